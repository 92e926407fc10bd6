from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse


def landing(request: HttpRequest) -> HttpResponse:
    mount = reverse("scim_provider:users").removesuffix("/Users")
    return render(request, "workspace/landing.html", {"base_url": request.build_absolute_uri(mount)})
