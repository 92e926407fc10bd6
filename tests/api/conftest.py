from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from api.helpers import VENDOR
from conftest import ScimClient
from django.db import connection as database
from django.db import connections
from factories import ConnectionFactory

from django_scim_provider.models import ScimConnection
