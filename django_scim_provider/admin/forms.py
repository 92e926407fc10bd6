"""What the panel asks; each form only says what is wanted, the services do it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from django import forms
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from ..adapters import UserAdapter, get_user_adapter
from ..conf import app_settings
from ..models import ScimConnection, ScimToken
from ..services import access, connections, policies, tokens
from . import policy_options

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    ConnectionForm = forms.ModelForm[ScimConnection]
else:
    ConnectionForm = forms.ModelForm

OVERLAPS: Final = [
    ("0", _("End it now: use this when the token may be known to somebody else")),
    ("24", _("24 hours more")),
    ("72", _("72 hours more")),
]


def _offer_policies(form: ConnectionForm, names: tuple[str, ...], adapter: UserAdapter) -> None:
    """Radio buttons with the consequence below each; a policy without a choice is not asked for."""
    for name in names:
        current = form.initial.get(name) or getattr(form.instance, name)
        offered = policy_options.options(name, adapter, current)
        if len(offered) < 2:
            del form.fields[name]
            continue
        form.fields[name] = forms.ChoiceField(
            label=form.fields[name].label,
            widget=forms.RadioSelect,
            initial=current,
            choices=[
                (
                    option.value,
                    format_html("{}<span class=scim-consequence>{}</span>", option.label, option.consequence),
                )
                for option in offered
            ],
        )


class EnableForm(ConnectionForm):
    """Steps 1 and 2 of enabling: which identity provider, for whom, and the policies."""

    seen = forms.CharField(widget=forms.HiddenInput, required=False)
    """For which choices the consequences were shown."""

    class Meta:
        model = ScimConnection
        fields = ("provider", "name", "portal", "tenant", *policy_options.ON_ENABLING)

    def __init__(self, *args: Any, user: Any, draft: bool = False, **kwargs: Any) -> None:
        """:param draft: what is missing is not complained about yet."""
        super().__init__(*args, **kwargs)
        self.user, self.is_draft = user, draft
        self._offer_providers()
        portal = self.instance.portal = self._offer_portals(access.portals_to_manage(user))
        self.adapter = get_user_adapter(portal)
        self.initial["existing_accounts"] = connections.default_existing_accounts(portal)
        self._offer_tenants(access.tenants_to_manage(user, portal))
        _offer_policies(self, policy_options.ON_ENABLING, self.adapter)
        if draft:
            for field in self.fields.values():
                field.required = False

    def _offer_providers(self) -> None:
        """None is chosen beforehand; those without a name of their own come last."""
        last = (ScimConnection.Provider.STRICT, ScimConnection.Provider.GENERIC)
        choices = ScimConnection.Provider.choices
        self.fields["provider"] = forms.ChoiceField(
            label=self.fields["provider"].label,
            widget=forms.RadioSelect,
            choices=[*(choice for choice in choices if choice[0] not in last), *((key, key.label) for key in last)],
        )

    def _offer_portals(self, portals: list[str]) -> str:
        """The one that is chosen, or else the first."""
        first = next(iter(portals), "")
        if not any(portals):
            del self.fields["portal"]
            return first
        self.fields["portal"] = forms.ChoiceField(
            label=self.fields["portal"].label,
            required="" not in portals,
            initial=first,
            choices=[(portal, portal or _("None")) for portal in portals],
        )
        chosen = self.data.get(self.add_prefix("portal"), "")
        return chosen if chosen in portals else first

    def _offer_tenants(self, tenants: list[str] | None) -> None:
        if not self.adapter.multi_tenant:
            del self.fields["tenant"]
            return
        self.fields["tenant"].required = True
        self.fields["tenant"].help_text = _("The application's own key of the organization.")
        if tenants is not None:
            self.fields["tenant"] = forms.ChoiceField(
                label=self.fields["tenant"].label,
                choices=[("", _("Choose one")), *((tenant, tenant) for tenant in tenants)],
            )

    def clean(self) -> dict[str, Any]:
        super().clean()
        cleaned = self.cleaned_data
        portal, tenant = cleaned.get("portal", ""), cleaned.get("tenant", "")
        if not self.is_draft and not self.errors and not access.may_make(self.user, portal, tenant):
            raise forms.ValidationError(_("You may not enable SCIM there."))
        if tenant and access.may_make(self.user, portal, tenant):
            self._check_tenant(portal, tenant)
        return cleaned

    def _check_tenant(self, portal: str, tenant: str) -> None:
        """A draft, too, is about an organization that is there."""
        try:
            connections.check_tenant(ScimConnection(portal=portal, tenant=tenant))
        except forms.ValidationError as error:
            self.add_error(None, error)

    @property
    def consequences(self) -> str:
        """What the consequences depend on; ``seen`` must say the same before anything is saved."""
        connection = self.instance
        if connection.existing_accounts == ScimConnection.ExistingAccounts.NEVER:
            return connection.existing_accounts
        return f"{connection.portal}/{connection.tenant}/{connection.existing_accounts}"

    def options(self) -> dict[str, Any]:
        """What ``services.connections.create`` takes."""
        return {name: value for name, value in self.cleaned_data.items() if name != "seen"}


class PoliciesForm(ConnectionForm):
    class Meta:
        model = ScimConnection
        fields = ("name", "provider", *policies.CHOICES, *policies.ROLES, "ip_allowlist")
        widgets: ClassVar = {"ip_allowlist": forms.Textarea(attrs={"rows": 3})}

    def __init__(self, *args: Any, adapter: UserAdapter, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer_policies(self, policies.CHOICES, adapter)
        for name in policies.ROLES:
            self.fields[name] = _role_field(self.fields[name].label, self.initial[name], adapter, self.instance)


def _role_field(
    label: StrOrPromise | None, current: str, adapter: UserAdapter, connection: ScimConnection
) -> forms.ChoiceField:
    """None, the roles that may be given, and the present one in any case."""
    roles = {role.key: role.label for role in adapter.roles.assignable(connection)}
    if current:
        roles.setdefault(current, current)
    return forms.ChoiceField(label=label, required=False, choices=[("", _("None")), *roles.items()])


def _default_days() -> int:
    return max(1, app_settings.TOKEN_TTL.days)


class IssueForm(forms.Form):
    name = forms.CharField(
        label=_("Name"),
        max_length=100,
        required=False,
        help_text=_("For example where it is used. Shown beside the token."),
    )
    days = forms.IntegerField(
        label=_("Valid for days"),
        min_value=1,
        max_value=tokens.MAX_LIFE.days,
        initial=_default_days,
        help_text=_("Two years at most."),
    )
    scopes = forms.ChoiceField(
        label=_("What it may do"),
        widget=forms.RadioSelect,
        choices=ScimToken.Scopes.choices,
        initial=ScimToken.Scopes.WRITE,
        help_text=_("Provisioning needs both. A token that only reads is for a client that compares or reports."),
    )


class RotateForm(forms.Form):
    overlap = forms.ChoiceField(
        label=_("The old token works for"), widget=forms.RadioSelect, choices=OVERLAPS, initial="24"
    )
