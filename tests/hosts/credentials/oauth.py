from __future__ import annotations

from typing import Any

from oauth2_provider.models import DeviceGrant
from oauth2_provider.oauth2_validators import OAuth2Validator


class Validator(OAuth2Validator):
    def validate_device_code(self, client_id: str, code: str, request: Any, *args: Any, **kwargs: Any) -> str:
        """oauthlib 4 asks for it, and django-oauth-toolkit 3.4, which has looked the code up by now, has none."""
        grant = DeviceGrant.objects.get(device_code=code, client_id=client_id)
        request.user, request.scopes = grant.user, grant.scope.split()
        return "authorized"
