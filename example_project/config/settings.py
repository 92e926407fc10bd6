"""Settings of the example project; what differs between machines is read from the environment or from ``.env``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import environ

BASE_DIR = Path(__file__).resolve().parents[1]

env = environ.Env()
if (BASE_DIR / ".env").is_file():
    env.read_env(BASE_DIR / ".env")

DEBUG = env.bool("DEBUG", default=True)
# Known to everybody who reads this file, so it will do for development and for nothing else.
SECRET_KEY = env.str("SECRET_KEY", default="django-insecure-example-project") if DEBUG else env.str("SECRET_KEY")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])

INSTALLED_APPS = [
    "workspace",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_scim_provider",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    # Nobody whom an identity provider manages is given a password here.
    {"NAME": "django_scim_provider.lock.ManagedUserPasswordValidator"},
]

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = LOGOUT_REDIRECT_URL = "landing"
STATIC_URL = "static/"
# Served from the apps themselves, by whichever server: there is no collectstatic to forget.
WHITENOISE_USE_FINDERS = True

# DATABASE_URL: postgres://..., mysql://..., sqlite:////absolute/path.
_database: dict[str, Any] = env.db_url("DATABASE_URL", default=f"sqlite:///{BASE_DIR / 'db.sqlite3'}")
_options: dict[str, Any] = _database.setdefault("OPTIONS", {})
if _database["ENGINE"].endswith("sqlite3"):
    # A transaction that begins by reading and then wants to write would fail at once when another one writes.
    _options.setdefault("transaction_mode", "IMMEDIATE")
    _options.setdefault("timeout", 20)
    _options.setdefault("init_command", "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;")
elif _database["ENGINE"].endswith("mysql"):
    _options.setdefault("charset", "utf8mb4")
_database.setdefault("CONN_MAX_AGE", env.int("CONN_MAX_AGE", default=60))
_database.setdefault("CONN_HEALTH_CHECKS", True)
DATABASES = {"default": _database}

# REDIS_URL or CACHE_URL. Without one each process counts requests for itself, so throttling is per process.
CACHES = {"default": env.cache_url("REDIS_URL" if "REDIS_URL" in env else "CACHE_URL", default="locmemcache://")}

SCIM_PROVIDER: dict[str, Any] = {
    "ADAPTERS": {
        "User": "workspace.scim.MemberAdapter",
        "Group": "workspace.scim.TeamAdapter",
        "Device": "workspace.devices.DeviceAdapter",
    },
    # False, so that scripts and the demo reach it on this machine. A real site leaves this key out.
    "REQUIRE_HTTPS": env.bool("SCIM_REQUIRE_HTTPS", default=False),
}
if "SCIM_THROTTLE_RATE" in env:
    # "100/s"; empty: no limit. Unset: the package's own default.
    SCIM_PROVIDER["THROTTLE_RATE"] = env.str("SCIM_THROTTLE_RATE") or None

if env.bool("SCIM_OAUTH", default=False):
    # Needs django-oauth-toolkit: docs/howto/oauth.rst.
    INSTALLED_APPS.append("oauth2_provider")
    OAUTH2_PROVIDER = {"SCOPES": {"scim": "Provision people"}}
    SCIM_PROVIDER["AUTHENTICATION"] = [
        "django_scim_provider.api.authentication.BearerAuthentication",
        "django_scim_provider.api.oauth2.OAuth2Authentication",
    ]

if SCIM_PROVIDER["REQUIRE_HTTPS"]:
    # Behind a proxy that ends TLS: which header says so, and is never taken over from the client?
    if env.bool("BEHIND_TLS_PROXY", default=False):
        SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    # SCIM answers plain HTTP with an error of its own: a redirect would hide that the token went in clear text.
    SECURE_REDIRECT_EXEMPT = [r"^scim/"]
    SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=3600)
    # Subdomains and preloading are for the owner of the domain to decide.
    SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
