"""The policies that an administrator chooses, each choice with its consequence in a line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from django.utils.translation import gettext_lazy as _

from ..adapters import UserAdapter
from ..models import ScimConnection
from ..services import policies

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

Create = ScimConnection.OnCreate
EqualGroupNames = ScimConnection.EqualGroupNames
Existing = ScimConnection.ExistingAccounts
RawToken = ScimConnection.RawToken
Removal = ScimConnection.OnDeactivate
Return = ScimConnection.OnReprovision
RoleMapping = ScimConnection.RoleMapping
Guard = ScimConnection.Guard
UnknownMember = ScimConnection.UnknownMember


class Option(NamedTuple):
    """One radio button."""

    value: str
    label: StrOrPromise
    consequence: StrOrPromise


ON_ENABLING: Final = ("existing_accounts", "on_create", "on_deactivate", "on_delete")
"""What is asked when SCIM is enabled."""


def options(name: str, adapter: UserAdapter, current: str) -> list[Option]:
    """The choices that make sense for this adapter, and the present one in any case."""
    offered = policies.offered(name, adapter)
    return [option for option in _ALL[name](adapter) if option.value in offered or option.value == current]


def _on_create(adapter: UserAdapter) -> Iterator[Option]:
    yield Option(
        Create.CREATE,
        _("Create an account"),
        _("It has no password: the person signs in with the identity provider or not at all."),
    )
    yield Option(
        Create.IGNORE,
        _("Accept the person, create no account"),
        _("The identity provider sees a success; nobody gets access by it."),
    )


def _removal(adapter: UserAdapter) -> Iterator[Option]:
    if adapter.soft_deletes:
        yield Option(
            Removal.SUSPEND,
            _("Mark as deleted"),
            _("The person cannot sign in, user name and e-mail address become free. It can be undone."),
        )
    else:
        yield Option(
            Removal.SUSPEND, _("Suspend"), _("The person cannot sign in. Nothing is deleted, and it can be undone.")
        )
    yield Option(
        Removal.REMOVE,
        _("Remove from the organization"),
        _("The account and its other organizations stay as they are."),
    )
    yield Option(
        Removal.DELETE,
        _("Delete the account"),
        _("The account and everything that depends on it are gone. This cannot be undone."),
    )
    yield Option(
        Removal.HOOK, _("Run this application's own procedure"), _("Its developers have decided what happens then.")
    )
    yield Option(
        Removal.NOTHING,
        _("Do nothing"),
        _("The person keeps their access. Choose this only if something else takes it away."),
    )


def _on_reprovision(adapter: UserAdapter) -> Iterator[Option]:
    yield Option(Return.REVIVE, _("Revive the old account"), _("The person finds everything as they left it."))
    yield Option(Return.ANEW, _("Start anew"), _("The person gets an empty account; the old one stays deleted."))


def _existing_accounts(adapter: UserAdapter) -> Iterator[Option]:
    yield Option(
        Existing.ADOPT,
        _("Manage everybody"),
        _("The identity provider can update and deactivate everybody with an account here, except protected people."),
    )
    yield Option(
        Existing.VERIFIED,
        _("Manage people on verified domains"),
        _("Only those whose e-mail addresses are all on a domain that is verified for the organization."),
    )
    yield Option(
        Existing.NEVER,
        _("Manage new people only"),
        _("Accounts that this connection did not create stay out of its reach."),
    )


def _role_mapping(adapter: UserAdapter) -> Iterator[Option]:
    yield Option(
        RoleMapping.SYNC,
        _("Always in sync"),
        _("Who joins a mapped group gets the role, who leaves it loses it. Roles given by hand stay."),
    )
    yield Option(
        RoleMapping.FIRST,
        _("At first provisioning only"),
        _("The first role comes from the groups; after that administrators of this application decide."),
    )


def _unknown_member(adapter: UserAdapter) -> Iterator[Option]:
    yield Option(
        UnknownMember.SKIP,
        _("Skip the member"),
        _("The others are added; the event names whom the identity provider has to push first."),
    )
    yield Option(UnknownMember.REFUSE, _("Refuse the request"), _("Nothing is changed until everybody is known."))


def _equal_group_names(adapter: UserAdapter) -> Iterator[Option]:
    yield Option(EqualGroupNames.REFUSE, _("Refuse a second group"), _("As identity providers expect."))
    yield Option(
        EqualGroupNames.ALLOW,
        _("Allow equal names"),
        _("For directories that have several groups of one name. Those that exist keep their names if you go back."),
    )


def _raw_token(adapter: UserAdapter) -> Iterator[Option]:
    yield Option(RawToken.REFUSE, _("Refuse"), _("As the standard says: “Authorization: Bearer” and the token."))
    yield Option(
        RawToken.ACCEPT,
        _("Accept"),
        _("For clients that send the token alone, such as Okta's “SCIM 2.0 Test App (Header Auth)”."),
    )


def _guard(adapter: UserAdapter) -> Iterator[Option]:
    yield Option(
        Guard.TELL,
        _("Tell the administrators"),
        _("They get mail and see a warning here. The removals are done, and can be undone."),
    )
    yield Option(
        Guard.HOLD,
        _("Hold further removals"),
        _("Nobody more is removed until you release the removals. Whatever else is asked goes on."),
    )
    yield Option(Guard.OFF, _("Do nothing"), _("A mistake at the identity provider shuts everybody out unnoticed."))


_ALL: Final = {
    "on_create": _on_create,
    "on_deactivate": _removal,
    "on_delete": _removal,
    "on_reprovision": _on_reprovision,
    "existing_accounts": _existing_accounts,
    "role_mapping": _role_mapping,
    "unknown_member": _unknown_member,
    "equal_group_names": _equal_group_names,
    "raw_token": _raw_token,
    "guard": _guard,
}
