"""Identity providers to try a project with, and what a project's own tests are made of."""

from __future__ import annotations
