"""What identity providers say on their own screens when something is wrong, why they say it, and what to do here."""

from __future__ import annotations

from typing import Final, NamedTuple


class Complaint(NamedTuple):
    """One message of one provider. An ellipsis stands for what differs from case to case."""

    provider: str
    says: str
    cause: str
    remedy: str


_TEST: Final = "Press “Test the connection” on the page of the connection: it asks what this provider asks."
_ADDRESS: Final = "Compare the base URL with the one that the connection shows, and open it with curl from outside. "
_AFTER_401: Final = (
    "The event log says which it was: unknown or mistyped, expired, revoked, or of a connection that is disabled. "
    "Issue or rotate a token and paste it whole."
)
_IN_FRONT: Final = (
    "What is created is answered here with a body and an id; look for a proxy, a firewall or a middleware that "
    "answers or rewrites in its place."
)

COMPLAINTS: Final = (
    Complaint(
        "okta",
        "No results for users returned",
        "The answer to the first look-up was no whole list: an HTML page, nothing, or a list without Resources.",
        _ADDRESS + "A login page or a maintenance page in front of the endpoint looks like this too.",
    ),
    Complaint(
        "okta",
        "Create new user returned empty user",
        "A person was created and the answer had no body, or no id in it.",
        _IN_FRONT,
    ),
    Complaint(
        "okta",
        "Error while verifying if user … exists: Unauthorized. Errors reported by remote server: …",
        "401: the token is not accepted.",
        _AFTER_401 + " In the mode “HTTP Header” the word “Bearer” belongs before it, unless the policies of the "
        "connection accept tokens without it.",
    ),
    Complaint(
        "okta",
        "The credentials used to connect to the API were invalid",
        "401 or 403.",
        "For 401 as above. For 403 the text after it says what: plain HTTP, an address that is not on the connection's "
        "list, a token for reading only, or the IS_ALLOWED setting.",
    ),
    Complaint(
        "okta",
        "Error authenticating: Connect to … timed out",
        "Nothing answered at that address within Okta's time.",
        "The site has to be reached from the internet over HTTPS; let Okta's addresses through the firewall.",
    ),
    Complaint(
        "okta",
        "Error authenticating: Invalid JSON",
        "The answer was an HTML page.",
        _ADDRESS + "A redirect to a login page is the usual reason.",
    ),
    Complaint(
        "okta",
        "Matching user not found",
        "Okta was not allowed to create the person, or had matched them with somebody whom it does not find any more.",
        "Tick “Create Users” under “To App”. Otherwise look in the events for the look-up that failed, and assign the "
        "person anew.",
    ),
    Complaint(
        "okta",
        "Automatic provisioning of user … to app … failed: … Errors reported by remote server: …",
        "One request was refused; what follows the last colon is said here.",
        "Look that text up under “What to do about a message” on the page Errors.",
    ),
    Complaint(
        "entra",
        "SystemForCrossDomainIdentityManagementServiceIncompatible",
        "A list was answered with 404, something with what is no SCIM (an HTML page, another Content-Type), or a "
        "PATCH with 400.",
        _ADDRESS + _TEST + " After a 400 on a PATCH the events say what was refused: look that text up under “What to "
        "do about a message” on the page Errors.",
    ),
    Complaint(
        "entra",
        "SystemForCrossDomainIdentityManagementServiceIncompatibleFiltering",
        "A look-up was refused, or a person could not be created because the name is taken.",
        "Match by userName or externalId. After a 409, an account that this connection does not manage has the name: "
        "adopt it, or rename it.",
    ),
    Complaint(
        "entra",
        "SystemForCrossDomainIdentityManagementCredentialValidationFailure",
        "401 or 403; provisioning is quarantined until the credentials are right.",
        _AFTER_401 + " Then press “Restart provisioning”.",
    ),
    Complaint(
        "entra",
        "EncounteredEscrowProportionThreshold",
        "More than 40 % of the changes of a cycle failed; provisioning is quarantined, and ends after four weeks.",
        "The events say what was refused, and why. Remove the reason, then press “Restart provisioning”.",
    ),
    Complaint(
        "entra",
        "Impossible to search on a mono valued attribute",
        "Another server's library, which could not read a path with a filter.",
        "It is not said here: the tenant URL leads to something else. " + _ADDRESS.strip(),
    ),
    Complaint(
        "onelogin",
        'Method "PATCH" not allowed',
        "Groups are changed by PATCH, and something refused that method.",
        "PATCH is allowed on groups here; a proxy or firewall in front does not let it through.",
    ),
    Complaint(
        "jumpcloud",
        "Connection test failed",
        "One step of its test failed: it creates a person and a group, changes both and removes both.",
        "“Test User Email” must belong to nobody; the base URL ends without a slash. The events name the step that was "
        "refused.",
    ),
    Complaint(
        "ping",
        "Test Connection Failed",
        "The list of people was not answered with 200.",
        _AFTER_401 + " Otherwise: " + _ADDRESS.strip(),
    ),
    Complaint(
        "authentik",
        "SCIM Response with missing or invalid `id`",
        "A person or group was created and the answer had no id.",
        _IN_FRONT,
    ),
)
