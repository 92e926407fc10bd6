"""Sphinx configuration; ``make docs`` builds with warnings as errors."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import django

import django_scim_provider

# Documentation drawn from docstrings imports the package, and that needs a configured Django.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parent / "_ext"))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hosts.stock.settings")
django.setup()

project = "django-scim-provider"
author = "django-scim-provider contributors"
copyright = author
version = release = django_scim_provider.__version__

extensions = ["sphinx.ext.autodoc", "scim"]
exclude_patterns = ["_build"]

autodoc_member_order = "bysource"
autodoc_typehints = "description"

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["tables.css"]
html_title = f"{project} {version}"
