"""What to do on the identity provider's side, in the words of its own screens.

Labels in quotation marks are what the screen says; they stay as they are in every language.
"""

# ruff: noqa: RUF001 (the paths through the screens are written with single quotation marks)
from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from django.utils.translation import gettext_lazy as _

from ..models import ScimConnection
from . import attributes
from .attributes import Rows

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

Provider = ScimConnection.Provider


class Guide(NamedTuple):
    """One identity provider's set-up, step by step."""

    name: StrOrPromise
    """What it is called in a sentence."""
    base_url_label: str
    """What its screen calls the field for the base URL."""
    token_label: str
    """What its screen calls the field for the token."""
    steps: tuple[StrOrPromise, ...]
    otherwise: tuple[StrOrPromise, tuple[StrOrPromise, ...]] | None = None
    """Another way to connect the same provider: what it is called, and its steps."""
    attributes: Rows = ()
    """What to choose as its mapping, where that can be chosen or is good to know."""
    others: tuple[Guide, ...] = ()
    """Providers without a choice of their own that this one stands for."""


RIPPLING: Final = Guide(
    name="Rippling",
    base_url_label="SCIM Base URL",
    token_label="Bearer Token",  # noqa: S106 (a label)
    steps=(
        _("Make a custom integration, and choose “User Management via SCIM”."),
        _("Choose “2.0” as “SCIM Version” and paste the base URL into “SCIM Base URL”."),
        _("Choose “Bearer Token” as “SCIM Authorization Method”."),
        _(
            "Tick “Supports Pagination”; for groups also “Supports Groups”, “Create & Delete Groups” and “Use PATCH "
            "to edit Groups”."
        ),
        _("Under “Supported SCIM Attributes” add the attributes below. Continue, and install the integration."),
        _("Paste the token, then choose under the access rules who is provisioned, and when."),
    ),
    attributes=attributes.RIPPLING,
)
CYBERARK: Final = Guide(
    name="CyberArk Identity",
    base_url_label="SCIM Service URL",
    token_label="Bearer Token",  # noqa: S106
    steps=(
        _("Open “Apps” › “Web Apps”, your application, and “Provisioning”."),
        _("Tick “Enable provisioning for this application” and choose “Live Mode”."),
        _("Paste the base URL into “SCIM Service URL”."),
        _(
            "Choose “Authorization Header” as “Authorization Type” and “Bearer Token” as “Header Type”, and paste "
            "the token into “Bearer Token”."
        ),
        _("Press “Verify”. Under “Sync Options” say what happens to people who lose access."),
        _("Add the roles whose members are to have access under “Role Mappings”, save, and start a synchronization."),
    ),
)
UNLISTED: Final = {"rippling": RIPPLING, "cyberark": CYBERARK}
"""Providers that the general choice serves, under the names of their pages in the documentation."""

GENERIC: Final = Guide(
    name=_("your identity provider"),
    base_url_label="Base URL",
    token_label="Bearer token",  # noqa: S106
    steps=(
        _("Open the provisioning settings of this application and choose SCIM 2.0."),
        _("Enter the base URL and the bearer token. The token travels in the header “Authorization: Bearer”."),
        _("Use “userName” as the attribute that identifies a person."),
        _("Test the connection, then save."),
        _("Assign the people who are to have access. They appear here under People."),
    ),
    others=tuple(UNLISTED.values()),
)

GUIDES: Final[dict[str, Guide]] = {
    Provider.OKTA: Guide(
        name="Okta",
        base_url_label="SCIM connector base URL",
        token_label="HTTP Header › Authorization: Bearer",  # noqa: S106
        steps=(
            _(
                "Open “Applications” › your SAML or SWA app › “General” › “App Settings” › “Edit”, choose “SCIM” "
                "under “Provisioning” and press “Save”."
            ),
            _(
                "Open the tab “Provisioning” › “Integration” › “Edit”. Paste the base URL into “SCIM connector "
                "base URL” and enter “userName” as “Unique identifier field for users”."
            ),
            _(
                "Under “Supported provisioning actions” tick “Push New Users” and “Push Profile Updates”, for groups "
                "also “Push Groups”."
            ),
            _(
                "Choose “HTTP Header” as “Authentication Mode” and paste the token into “Authorization”, after the "
                "word “Bearer”."
            ),
            _("Press “Test Connector Configuration”. It should say “Connector configured successfully”. Press “Save”."),
            _(
                "Under “To App” › “Edit” enable “Create Users”, “Update User Attributes” and “Deactivate Users”. "
                "Press “Save”."
            ),
            _("Assign people on the tab “Assignments”. They appear here under People."),
            _("For groups choose which to push on the tab “Push Groups”. They appear here under Groups and roles."),
        ),
        otherwise=(
            _("With the app “SCIM 2.0 Test App (Header Auth)” instead"),
            (
                _("Open “Applications” › “Browse App Catalog” and add “SCIM 2.0 Test App (Header Auth)”."),
                _("Open the tab “Provisioning” › “Configure API Integration” and tick “Enable API integration”."),
                _("Paste the base URL into “Base URL” and the token into “API Token”."),
                _(
                    "This app sends the token without the word “Bearer”. On the page Policies here, choose “Accept” "
                    "under “Token without the word Bearer”."
                ),
                _("Press “Test API Credentials”, then “Save”. Go on with “To App” as above."),
            ),
        ),
        attributes=attributes.OKTA,
    ),
    Provider.ENTRA: Guide(
        name="Microsoft Entra ID",
        base_url_label="Tenant URL",
        token_label="Secret Token",  # noqa: S106
        steps=(
            _(
                "In the Microsoft Entra admin center open “Enterprise applications” and your application, or press "
                "“New application” › “Create your own application” › “Integrate any other application you don't "
                "find in the gallery (Non-gallery)”."
            ),
            _("Open “Provisioning” › “Connect your application”. On older screens: “Provisioning Mode” “Automatic”."),
            _("Paste the base URL into “Tenant URL” and the token into “Secret Token”."),
            _("Press “Test Connection”. When it was successful, press “Create” or “Save”."),
            _("Open “Mappings” (“Attribute mapping”) and let “externalId” come from “objectId”, which never changes."),
            _("Assign people under “Users and groups”."),
            _(
                "Press “Start provisioning” on the overview. A cycle takes up to 40 minutes; “Provision on demand” "
                "tries one person at once."
            ),
        ),
        attributes=attributes.ENTRA,
    ),
    Provider.ONELOGIN: Guide(
        name="OneLogin",
        base_url_label="SCIM Base URL",
        token_label="SCIM Bearer Token",  # noqa: S106
        steps=(
            _(
                "Open “Applications” › “Add App”, search for “SCIM Provisioner with SAML (SCIM v2 Enterprise)”, "
                "name it and press “Save”."
            ),
            _(
                "On the tab “Configuration” paste the base URL into “SCIM Base URL” and the token into “SCIM "
                "Bearer Token”."
            ),
            _("Under “API Status” press “Enable”. Press “Save”."),
            _(
                "On the tab “Provisioning” tick “Enable provisioning”. For people who are deleted or lose access "
                "choose “Suspend” or “Delete”. Press “Save”."
            ),
            _("Give people access on the tab “Access”. Approve what is “Pending” under “Users”."),
        ),
        attributes=attributes.ONELOGIN,
    ),
    Provider.JUMPCLOUD: Guide(
        name="JumpCloud",
        base_url_label="Base URL",
        token_label="Token Key",  # noqa: S106
        steps=(
            _("Open “SSO Applications”, your application, and the tab “Identity Management”."),
            _("Choose “SCIM 2.0” as “SCIM Version”."),
            _("Paste the base URL into “Base URL” and the token into “Token Key”."),
            _(
                "Enter an address that nobody has as “Test User Email”: JumpCloud creates this person, changes "
                "them and removes them again."
            ),
            _("Press “Test Connection”, then “Activate”, then “Save”."),
            _("Choose the groups of people who are to have access on the tab “User Groups”."),
        ),
        attributes=attributes.JUMPCLOUD,
    ),
    Provider.GOOGLE: Guide(
        name="Google Workspace",
        base_url_label="Endpoint URL",
        token_label="Access token",  # noqa: S106
        steps=(
            _(
                "In the Google Admin console open “Apps” › “Web and mobile apps” › your SAML app › "
                "“Autoprovisioning” › “Configure autoprovisioning”."
            ),
            _("Paste the token into “Access token” and press “Continue”."),
            _("Paste the base URL into “Endpoint URL” and press “Continue”."),
            _("Check the attribute mapping and choose who is to be provisioned."),
            _("Under “Deprovisioning” choose how soon a suspended or removed person loses access. Press “Finish”."),
            _("Turn “Autoprovisioning” to “Active”."),
        ),
        attributes=attributes.GOOGLE,
    ),
    Provider.PING: Guide(
        name="PingOne",
        base_url_label="SCIM Base URL",
        token_label="OAuth Access Token",  # noqa: S106
        steps=(
            _("Open “Integrations” › “Provisioning”, press “+” and “New Connection”, and choose “Identity Store”."),
            _("Choose “SCIM Outbound”, name the connection and press “Next”."),
            _("Paste the base URL into “SCIM Base URL”. Leave “/Users”, “/Groups” and version “2.0” as they are."),
            _(
                "Choose “OAuth 2 Bearer Token” as “Authentication Method” and paste the token into “OAuth Access "
                "Token”."
            ),
            _("Press “Test Connection”. When it was successful, press “Continue”, then “Save”, and turn it on."),
            _("Add a rule under “Rules”: it says who is provisioned through this connection. Turn the rule on."),
        ),
        attributes=attributes.PING,
    ),
    Provider.KEYCLOAK: Guide(
        name="Keycloak",
        base_url_label=GENERIC.base_url_label,
        token_label=GENERIC.token_label,
        steps=(
            _("Keycloak sends nothing by SCIM itself: install an extension that is a SCIM client, and restart it."),
            _("In the extension's settings add this application as a SCIM server."),
            _("Enter the base URL, and the bearer token as the way to authenticate."),
            _("Let it send “userName”, “emails”, “name” and “active”, and groups if roles are to follow them."),
            _("Start a synchronization. People appear here under People."),
        ),
        attributes=attributes.KEYCLOAK,
    ),
    Provider.AUTHENTIK: Guide(
        name="authentik",
        base_url_label="URL",
        token_label="Token",  # noqa: S106
        steps=(
            _("In the Admin interface open “Applications” › “Providers”, press “New Provider” and choose “SCIM”."),
            _("Paste the base URL into “URL” and the token into “Token”."),
            _("Keep the mappings for users and groups that are chosen already, and press “Create”."),
            _(
                "Open “Applications” › “Applications”, edit the application that people sign in to, and add the new "
                "provider under “Backchannel Providers”."
            ),
            _("Open the provider and start a full synchronization. People appear here under People."),
        ),
        attributes=attributes.AUTHENTIK,
    ),
}


def guide(provider: str) -> Guide:
    """The provider's guide, or the general one."""
    return GUIDES.get(provider, GENERIC)
