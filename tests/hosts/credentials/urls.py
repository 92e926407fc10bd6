"""One protected address for each kind of credential, and what issues it."""

from __future__ import annotations

from typing import Any

from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.auth import get_user_model, login
from django.contrib.auth.signals import user_logged_in
from django.contrib.auth.views import PasswordResetConfirmView
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from knox.auth import TokenAuthentication as KnoxAuthentication
from oauth2_provider.contrib.rest_framework import OAuth2Authentication
from oauth2_provider.urls import metadata_urlpatterns
from rest_framework.authentication import TokenAuthentication
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.views import TokenRefreshSlidingView, TokenRefreshView

# A sign-in would make reset links of before invalid, whatever we do.
user_logged_in.disconnect(dispatch_uid="update_last_login")


class Protected(APIView):
    permission_classes = [IsAuthenticated]

    def get(self, request: Any) -> Response:
        return Response({"me": request.user.pk})


def by_session(request: HttpRequest) -> HttpResponse:
    return HttpResponse(status=200 if request.user.is_authenticated else 401)


def sign_in(request: HttpRequest, pk: int) -> HttpResponse:
    """What a SAML or OpenID Connect library does once it knows who it is; with a query, allauth notes the session."""
    login(request, get_user_model().objects.get(pk=pk), backend="django.contrib.auth.backends.ModelBackend")
    if request.GET:
        UserSession.objects.create_from_request(request)
    return HttpResponse(status=204)


urlpatterns = [
    path("admin/", admin.site.urls),
    path("scim/v2/", include("django_scim_provider.urls")),
    path("sign-in/<int:pk>", sign_in),
    path("reset/<uidb64>/<token>/", PasswordResetConfirmView.as_view(success_url="/"), name="password_reset_confirm"),
    path("session", by_session),
    path("authtoken", Protected.as_view(authentication_classes=[TokenAuthentication])),
    path("knox", Protected.as_view(authentication_classes=[KnoxAuthentication])),
    path("jwt", Protected.as_view(authentication_classes=[JWTAuthentication])),
    path("jwt/refresh", TokenRefreshView.as_view()),
    path("jwt/slide", TokenRefreshSlidingView.as_view()),
    path("oauth", Protected.as_view(authentication_classes=[OAuth2Authentication])),
    path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
    path("", include("allauth.idp.urls")),
    # RFC 8414: the document's place is at the root.
    *metadata_urlpatterns,
]
