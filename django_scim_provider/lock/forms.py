from __future__ import annotations

from typing import Any

from .managed import is_scim_locked, locked_fields, message


class ScimManagedFormMixin:
    """For a ``ModelForm`` of the user model: what the identity provider manages is shown, and not changed.

    Put it before ``ModelForm`` among the bases.
    """

    instance: Any
    fields: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not is_scim_locked(self.instance):
            return
        for name in locked_fields(self.instance) & self.fields.keys():
            # Django ignores what is sent for a disabled field.
            self.fields[name].disabled = True
            self.fields[name].help_text = message(self.instance)
