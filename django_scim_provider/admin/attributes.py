"""Which of the identity provider's attributes go where: its own name for each, and the path in SCIM."""

from __future__ import annotations

from typing import Final

from ..protocol.urns import ENTERPRISE_USER

Rows = tuple[tuple[str, str], ...]
"""The provider's name for it, and where it goes."""

WORK_MAIL: Final = 'emails[type eq "work"].value'
WORK_PHONE: Final = 'phoneNumbers[type eq "work"].value'
EMPLOYEE_NUMBER: Final = f"{ENTERPRISE_USER}:employeeNumber"
DEPARTMENT: Final = f"{ENTERPRISE_USER}:department"
MANAGER: Final = f"{ENTERPRISE_USER}:manager"

OKTA: Final[Rows] = (
    ("Application username format", "userName"),
    ("user.firstName", "name.givenName"),
    ("user.lastName", "name.familyName"),
    ("user.email", WORK_MAIL),
    ("user.displayName", "displayName"),
    ("user.title", "title"),
    ("user.employeeNumber", EMPLOYEE_NUMBER),
    ("user.department", DEPARTMENT),
)
ENTRA: Final[Rows] = (
    ("userPrincipalName", "userName"),
    ('Switch([IsSoftDeleted], , "False", "True", "True", "False")', "active"),
    ("objectId", "externalId"),
    ("givenName", "name.givenName"),
    ("surname", "name.familyName"),
    ("mail", WORK_MAIL),
    ("displayName", "displayName"),
    ("jobTitle", "title"),
    ("telephoneNumber", WORK_PHONE),
    ("employeeId", EMPLOYEE_NUMBER),
    ("department", DEPARTMENT),
    ("manager", MANAGER),
)
ONELOGIN: Final[Rows] = (
    ("{$parameters.scimusername}", "userName"),
    ("{$user.firstname}", "name.givenName"),
    ("{$user.lastname}", "name.familyName"),
    ("{$user.email}", WORK_MAIL),
    ("{$user.display_name}", "displayName"),
    ("{$parameters.title}", "title"),
    ("{$parameters.department}", DEPARTMENT),
)
JUMPCLOUD: Final[Rows] = (
    ("username", "userName"),
    ("firstname", "name.givenName"),
    ("lastname", "name.familyName"),
    ("email", WORK_MAIL),
    ("displayname", "displayName"),
    ("jobTitle", "title"),
)
GOOGLE: Final[Rows] = (
    ("Basic Information › Primary Email", "userName"),  # noqa: RUF001 (as its screens write paths)
    ("Basic Information › First Name", "name.givenName"),  # noqa: RUF001
    ("Basic Information › Last Name", "name.familyName"),  # noqa: RUF001
    ("Basic Information › Primary Email", WORK_MAIL),  # noqa: RUF001
)
PING: Final[Rows] = (
    ("Username", "userName"),
    ("Given Name", "name.givenName"),
    ("Family Name", "name.familyName"),
    ("Email Address", WORK_MAIL),
    ("Primary Phone", WORK_PHONE),
    ("External ID", "externalId"),
    ("Title", "title"),
)
KEYCLOAK: Final[Rows] = (
    ("username", "userName"),
    ("id", "externalId"),
    ("firstName", "name.givenName"),
    ("lastName", "name.familyName"),
    ("email", "emails"),
    ("enabled", "active"),
)
AUTHENTIK: Final[Rows] = (
    ("username", "userName"),
    ("uid", "externalId"),
    ("name", "displayName"),
    ("name", "name"),
    ("email", 'emails[type eq "other"].value'),
    ("is_active", "active"),
)
RIPPLING: Final[Rows] = (
    ("externalId", "externalId"),
    ("emails.primary", "emails[primary eq true].value"),
    ("name.givenName", "name.givenName"),
    ("name.familyName", "name.familyName"),
    ("employeeNumber", EMPLOYEE_NUMBER),
)
