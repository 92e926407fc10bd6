"""One project, served four times: ``BENCHMARKED`` says which of the servers a process is, and gives it only that one's
apps, views and signals. As the package it also makes the tables and fills them.
"""

from __future__ import annotations

import environ

env = environ.Env()

BENCHMARKED = env("BENCHMARKED", default="package")
SECRET_KEY = "not a secret: measurements only"
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ROOT_URLCONF = "benchmarks.project.urls"
AUTH_USER_MODEL = "project.User"

OWN_APPS = {"package": ["django_scim_provider"], "scim2": ["django_scim"], "floor": [], "limit": []}
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "benchmarks.project",
    *OWN_APPS[BENCHMARKED],
]
# Nothing that all four would pay for alike: it would only bring their times closer together.
MIDDLEWARE = ["benchmarks.project.scim2.TokenMiddleware"] if BENCHMARKED == "scim2" else []

DATABASES = {"default": env.db("DATABASE_URL", default="sqlite:///:memory:") | {"CONN_MAX_AGE": None}}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# Requests are counted, and never too many.
SCIM_PROVIDER = {"REQUIRE_HTTPS": False, "THROTTLE_RATE": "100000/s"}

SCIM_SERVICE_PROVIDER = {
    "SCHEME": "http",
    "NETLOC": "127.0.0.1",
    "AUTHENTICATION_SCHEMES": [
        {"type": "oauthbearertoken", "name": "Bearer token", "description": "", "specUri": "", "documentationUri": ""}
    ],
    "GROUP_MODEL": "benchmarks.project.models.Group",
    "USER_ADAPTER": "benchmarks.project.scim2.UserAdapter",
    "GROUP_ADAPTER": "benchmarks.project.scim2.GroupAdapter",
    "USER_FILTER_PARSER": "benchmarks.project.scim2_filters.UserFilter",
    "GROUP_FILTER_PARSER": "benchmarks.project.scim2_filters.GroupFilter",
}
LOGGING = {"version": 1, "disable_existing_loggers": False, "root": {"level": "WARNING"}}
