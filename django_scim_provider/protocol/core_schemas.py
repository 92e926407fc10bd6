"""User, Group and Enterprise User as RFC 7643 sections 4 and 8.7 define them.

``password`` is left out on purpose: it is accepted and dropped, and a schema lists what is implemented.
"""

from __future__ import annotations

from typing import Final

from . import urns
from .schemas import Attribute, AttributeType, Schema

_LABELS: Final = ("work", "home", "other")
"""For values whose kinds the RFC leaves open, since the interoperability profile wants some for every ``type``."""


def _values(
    name: str,
    description: str,
    *,
    types: tuple[str, ...] = _LABELS,
    value_type: AttributeType = "string",
    reference_types: tuple[str, ...] = (),
    case_exact: bool = False,
) -> Attribute:
    """A multi-valued complex attribute with the sub-attributes of RFC 7643 section 2.4."""
    value = Attribute(
        "value",
        f"One of the {name}.",
        type=value_type,
        case_exact=case_exact,
        reference_types=reference_types,
    )
    return Attribute(
        name,
        description,
        type="complex",
        multi_valued=True,
        sub_attributes=(
            value,
            Attribute("display", "A name for display."),
            Attribute("type", "A label for the value's function.", canonical_values=types),
            Attribute("primary", "Whether this is the preferred value; true at most once.", type="boolean"),
        ),
    )


NAME: Final = Attribute(
    "name",
    "The parts of the person's name.",
    type="complex",
    sub_attributes=(
        Attribute("formatted", "The full name, ready for display."),
        Attribute("familyName", "The family name, or last name."),
        Attribute("givenName", "The given name, or first name."),
        Attribute("middleName", "The middle name or names."),
        Attribute("honorificPrefix", "The prefix, or title."),
        Attribute("honorificSuffix", "The suffix."),
    ),
)

ADDRESSES: Final = Attribute(
    "addresses",
    "Physical mailing addresses.",
    type="complex",
    multi_valued=True,
    sub_attributes=(
        Attribute("formatted", "The full address, ready for display."),
        Attribute("streetAddress", "Street, house number and the like."),
        Attribute("locality", "The city or locality."),
        Attribute("region", "The state or region."),
        Attribute("postalCode", "The postal code."),
        Attribute("country", "The country, as an ISO 3166-1 alpha-2 code."),
        Attribute("type", "A label for the address.", canonical_values=_LABELS),
        Attribute("primary", "Whether this is the preferred address; true at most once.", type="boolean"),
    ),
)

GROUPS: Final = Attribute(
    "groups",
    "The groups that the person belongs to, directly or through another group.",
    type="complex",
    multi_valued=True,
    mutability="readOnly",
    sub_attributes=(
        Attribute("value", "The id of the group.", case_exact=True, mutability="readOnly"),
        Attribute(
            "$ref",
            "The URI of the group.",
            type="reference",
            case_exact=True,
            mutability="readOnly",
            reference_types=("Group",),
        ),
        Attribute("display", "The name of the group.", mutability="readOnly"),
        Attribute(
            "type",
            "Whether the membership is direct.",
            mutability="readOnly",
            canonical_values=("direct", "indirect"),
        ),
    ),
)

USER: Final = Schema(
    urns.USER,
    "User",
    "User account",
    (
        Attribute(
            "userName", "The name by which the person is known to the client.", required=True, uniqueness="server"
        ),
        NAME,
        Attribute("displayName", "The name to show for the person."),
        Attribute("nickName", "The casual name."),
        Attribute("profileUrl", "The URI of the person's profile.", type="reference", reference_types=("external",)),
        Attribute("title", "The job title."),
        Attribute("userType", "The relationship between the person and the organization."),
        Attribute("preferredLanguage", "The preferred written or spoken language."),
        Attribute("locale", "The default location, for formats of dates and numbers."),
        Attribute("timezone", "The time zone, by its IANA name."),
        Attribute("active", "Whether the person may sign in.", type="boolean"),
        _values("emails", "E-mail addresses."),
        _values("phoneNumbers", "Telephone numbers.", types=("work", "home", "mobile", "fax", "pager", "other")),
        _values(
            "ims",
            "Instant messaging addresses.",
            types=("aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo"),
        ),
        _values(
            "photos",
            "URIs of photos; never fetched by the server.",
            types=("photo", "thumbnail"),
            value_type="reference",
            reference_types=("external",),
            case_exact=True,
        ),
        ADDRESSES,
        GROUPS,
        _values("entitlements", "Entitlements, as the client names them."),
        _values("roles", "Roles, as the client names them."),
        _values("x509Certificates", "Certificates, DER in base64.", value_type="binary", case_exact=True),
    ),
)

ENTERPRISE_USER: Final = Schema(
    urns.ENTERPRISE_USER,
    "EnterpriseUser",
    "Enterprise User",
    (
        Attribute("employeeNumber", "The number or code that the organization gave the person."),
        Attribute("costCenter", "The cost center."),
        Attribute("organization", "The organization."),
        Attribute("division", "The division."),
        Attribute("department", "The department."),
        Attribute(
            "manager",
            "The person's manager.",
            type="complex",
            sub_attributes=(
                Attribute("value", "The id of the manager's resource.", case_exact=True),
                Attribute(
                    "$ref",
                    "The URI of the manager's resource.",
                    type="reference",
                    case_exact=True,
                    reference_types=("User",),
                ),
                Attribute("displayName", "The manager's name.", mutability="readOnly"),
            ),
        ),
    ),
)

MEMBERS: Final = Attribute(
    "members",
    "The members of the group.",
    type="complex",
    multi_valued=True,
    sub_attributes=(
        Attribute("value", "The id of the member.", case_exact=True, mutability="immutable"),
        Attribute(
            "$ref",
            "The URI of the member.",
            type="reference",
            case_exact=True,
            mutability="immutable",
            reference_types=("User", "Group"),
        ),
        Attribute("type", "The kind of member.", mutability="immutable", canonical_values=("User", "Group")),
        Attribute("display", "The member's name, as the client sent it.", mutability="immutable"),
    ),
)

GROUP: Final = Schema(
    urns.GROUP,
    "Group",
    "Group",
    (
        Attribute("displayName", "The name of the group.", required=True, uniqueness="server"),
        MEMBERS,
    ),
)

ROLE: Final = Schema(
    urns.ROLE,
    "Role",
    "A role that the application knows",
    (Attribute("displayName", "The name of the role.", mutability="readOnly"),),
)
