#!/usr/bin/env python
"""Runs from any working directory."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from django.core.management import execute_from_command_line

HERE = Path(__file__).resolve().parent


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    if sys.argv[1:2] == ["demo"]:
        # A database of its own, which the command makes anew; nobody's work is in it.
        os.environ.setdefault("DATABASE_URL", f"sqlite:///{HERE / 'demo.sqlite3'}")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
