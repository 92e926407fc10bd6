"""A host with everything that issues credentials: five libraries beside Django's sessions and reset links."""

from __future__ import annotations

from hosts.base_settings import *  # noqa: F403
from hosts.base_settings import INSTALLED_APPS, MIDDLEWARE

INSTALLED_APPS = [
    "hosts.credentials",
    *INSTALLED_APPS,
    "rest_framework",
    "rest_framework.authtoken",
    "knox",
    "oauth2_provider",
    "rest_framework_simplejwt",
    "rest_framework_simplejwt.token_blacklist",
    "allauth",
    "allauth.account",
    "allauth.idp.oidc",
    "allauth.usersessions",
]
MIDDLEWARE = [*MIDDLEWARE, "allauth.account.middleware.AccountMiddleware"]
ROOT_URLCONF = "hosts.credentials.urls"
AUTH_USER_MODEL = "credentials.Person"
SECRET_KEY = "not a secret: tests only, and long enough to sign with"

OAUTH2_PROVIDER = {
    "OAUTH2_VALIDATOR_CLASS": "hosts.credentials.oauth.Validator",
    "OIDC_ENABLED": True,
    "OIDC_RP_INITIATED_LOGOUT_ENABLED": True,
    "OIDC_RP_INITIATED_LOGOUT_DELETE_TOKENS": False,
    "PKCE_REQUIRED": False,
    "SCOPES": {"openid": "Who", "read": "Read", "scim": "Provision people"},
}
SIMPLE_JWT = {
    "AUTH_TOKEN_CLASSES": [
        "rest_framework_simplejwt.tokens.AccessToken",
        "rest_framework_simplejwt.tokens.SlidingToken",
    ],
    "CHECK_REVOKE_TOKEN": True,
}
