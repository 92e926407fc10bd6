"""An extension of people that is the product's own."""

from __future__ import annotations

from django_scim_provider.adapters import Attribute, Schema

BADGE = Schema(
    "urn:example:workspace:scim:schemas:extension:badge:1.0:User",
    "Badge",
    "What the front desk knows of a person",
    (
        Attribute("badgeNumber", "The number on the badge", case_exact=True, uniqueness="server"),
        Attribute("floor", "Where the desk is", type="integer"),
    ),
)
