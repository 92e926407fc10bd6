"""What a dialect lets pass that RFC 7644 does not ask a server to accept.

Each flag is one deviation that identity providers really send. All are harmless to accept: none of
them widens a filter, resurrects a value or names an attribute that the schema does not have.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tolerance:
    """Switches read by the filter, validation and PATCH code; the default accepts everything harmless."""

    unquoted_filter_values: bool = True
    """``userName eq alice`` (authentik, PingFederate, Entra's documentation)."""
    bare_extension_names: bool = True
    """``manager eq "..."``: an extension's attribute without its URN, where only one has that name (Entra)."""
    boolean_strings: bool = True
    """``"True"`` and ``"false"`` where a boolean belongs (Entra legacy, Keycloak, OneLogin)."""
    boolean_digits: bool = False
    """``"1"`` and ``"0"`` as well (OneLogin templates)."""
    single_for_list: bool = True
    """One object where a list belongs (OneLogin ``emails``), one string for ``{"value": string}``."""
    list_for_single: bool = True
    """A list of one element around a single value (Keycloak's SCIM-SDK, Okta)."""
    empty_is_unassigned: bool = True
    """``""`` clears an optional string (Okta, OneLogin). ``null`` and ``[]`` always do (RFC 7643 2.5)."""
    unknown_attributes: bool = True
    """Attributes outside the schema are left out and reported, rather than refused."""
    unknown_schemas: bool = True
    """Unknown, missing or pre-RFC ``schemas`` URNs are left out rather than refused."""
    pathless_patch: bool = True
    """PATCH operations without ``path``; RFC 7644 allows them, the interoperability profile does not."""
    dotted_keys: bool = True
    """``{"name.givenName": ...}``, URN and filtered keys inside a path-less PATCH value (Entra)."""
    create_on_unmatched_filter: bool = True
    """add/replace at ``emails[type eq "work"].value`` makes the element when there is none (Entra)."""
    empty_operations: bool = True
    """``"Operations": []`` changes nothing instead of failing."""
    remove_listed_values: bool = True
    """``remove`` of a multi-valued path with a value list removes those values only (Entra, JumpCloud)."""
    merge_on_replace: bool = True
    """``replace`` of a complex attribute keeps what the value leaves out (RFC 7644 3.5.2.3); the profile drops it."""
    loose_value_paths: bool = True
    """A filter in a PATCH path may match several values, and add/replace need not name one of their sub-attributes;
    RFC 7644 allows both, the interoperability profile does not."""


LENIENT = Tolerance()
STRICT = Tolerance(
    unquoted_filter_values=False,
    bare_extension_names=False,
    boolean_strings=False,
    single_for_list=False,
    list_for_single=False,
    empty_is_unassigned=False,
    unknown_attributes=False,
    unknown_schemas=False,
    pathless_patch=False,
    dotted_keys=False,
    create_on_unmatched_filter=False,
    empty_operations=False,
    remove_listed_values=False,
    merge_on_replace=False,
    loose_value_paths=False,
)
