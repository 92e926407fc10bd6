from __future__ import annotations

from typing import Any

from django.db import migrations, models
from django.db.models import F, Value
from django.db.models.functions import Concat, Length, Replace, Substr

import django_scim_provider.models.fields
import django_scim_provider.models.resources

DIGITS, DASHED = 32, 36
GROUPS = ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))


def spell_out(apps: Any, schema_editor: Any) -> None:
    """A database without a type for UUIDs had them as digits alone."""
    parts = [part for start, length in GROUPS for part in (Value("-"), Substr("scim_id", start, length))][1:]
    for rows in () if schema_editor.connection.features.has_native_uuid_field else _rows(apps, schema_editor):
        rows.annotate(length=Length("scim_id")).filter(length=DIGITS).update(scim_id=Concat(*parts))


def take_dashes_out(apps: Any, schema_editor: Any) -> None:
    for rows in () if schema_editor.connection.features.has_native_uuid_field else _rows(apps, schema_editor):
        rows.update(scim_id=Replace(F("scim_id"), Value("-"), Value("")))


def refuse_imported(apps: Any, schema_editor: Any) -> None:
    for rows in _rows(apps, schema_editor):
        imported = rows.exclude(scim_id__regex="^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$").count()
        if imported:
            raise RuntimeError(
                f"{imported} rows of {rows.model._meta.db_table} bear ids that were imported and are no UUIDs, which "
                "the column before this migration cannot hold. Delete their connections first."
            )


def _rows(apps: Any, schema_editor: Any) -> Any:
    for name in ("ScimUser", "ScimGroup"):
        yield apps.get_model("scim_provider", name).objects.using(schema_editor.connection.alias)


def scim_id() -> Any:
    return django_scim_provider.models.fields.KeyField(
        default=django_scim_provider.models.resources.new_id, editable=False, max_length=254, verbose_name="SCIM id"
    )


class Migration(migrations.Migration):
    dependencies = [("scim_provider", "0002_oauth_clients")]

    operations = [
        migrations.AlterField(model_name="scimuser", name="scim_id", field=scim_id()),
        migrations.AlterField(model_name="scimgroup", name="scim_id", field=scim_id()),
        migrations.RunPython(spell_out, take_dashes_out),
        migrations.AddConstraint(
            model_name="scimuser",
            constraint=models.UniqueConstraint(fields=("connection", "scim_id"), name="scim_user_scim_id"),
        ),
        migrations.AddConstraint(
            model_name="scimgroup",
            constraint=models.UniqueConstraint(fields=("connection", "scim_id"), name="scim_group_scim_id"),
        ),
        migrations.AlterField(
            model_name="scimevent",
            name="resource_id",
            field=django_scim_provider.models.fields.KeyField(
                blank=True, default="", max_length=254, verbose_name="resource"
            ),
        ),
        migrations.AlterField(
            model_name="heldremoval",
            name="resource_id",
            field=django_scim_provider.models.fields.KeyField(max_length=254, verbose_name="resource"),
        ),
        migrations.RemoveConstraint(model_name="heldremoval", name="scim_held_resource"),
        migrations.AddConstraint(
            model_name="heldremoval",
            constraint=models.UniqueConstraint(
                fields=("connection", "resource_type", "resource_id"), name="scim_held_resource"
            ),
        ),
        # Taken back first of all: not every database undoes what came before a refusal.
        migrations.RunPython(migrations.RunPython.noop, refuse_imported),
    ]
