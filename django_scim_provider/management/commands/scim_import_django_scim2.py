from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldError
from django.core.management.base import CommandError, CommandParser
from django.db import DatabaseError, models, transaction

from ...protocol.errors import ScimError
from ...services.context import Context
from ...services.django_scim2 import Columns, Imported, SourceError, bearers, group_model, import_people
from ...services.django_scim2_groups import Groups, import_groups
from ..base import CONNECTION_HELP, ScimCommand
from ..output import Progress, plural


class Command(ScimCommand):
    help = (
        "Take over from django-scim2: its people and groups become resources of a connection and keep their ids, so "
        "that the identity provider goes on as before. Your own tables are only read, and django-scim2 may be "
        "uninstalled already. Running it again imports what is new. Exit code 1 if something had to be left out."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--connection", required=True, metavar="NAME", help=CONNECTION_HELP)
        parser.add_argument("--dry-run", action="store_true", help="do all of it, report, and roll it back")
        parser.add_argument("--user-id", default="", metavar="COLUMN", help="default: scim_id, or else pk")
        parser.add_argument(
            "--user-name", default="", metavar="COLUMN", help="userName as sent; default: scim_username"
        )
        parser.add_argument("--user-external-id", default="", metavar="COLUMN", help="default: scim_external_id")
        parser.add_argument(
            "--group-model", metavar="APP.MODEL", help="default: what SCIM_SERVICE_PROVIDER['GROUP_MODEL'] names"
        )
        parser.add_argument("--group-id", default="", metavar="COLUMN", help="default: scim_id; without it, no groups")
        parser.add_argument("--group-name", default="name", metavar="COLUMN", help="default: name")
        parser.add_argument("--group-external-id", default="", metavar="COLUMN", help="default: scim_external_id")
        parser.add_argument(
            "--group-filter",
            action="append",
            type=_condition,
            default=[],
            metavar="LOOKUP=VALUE",
            help="only groups that meet it, as organization__slug=acme; needed where there are several tenants",
        )
        parser.add_argument(
            "--members", default="", metavar="LOOKUP", help="from a person to their groups; default: the one relation"
        )
        parser.add_argument("--no-groups", action="store_true", help="import people only")
        parser.add_argument(
            "--roles",
            action="store_true",
            help="map each group to the role of its name, as django-scim2's groups were, so that leaving it takes it",
        )
        self.add_json(parser)

    def handle(self, *args: Any, connection: str, dry_run: bool, json: bool, **options: Any) -> None:
        context = self.context(connection)
        try:
            people = _people(context, options)
            groups = None if options["no_groups"] else self._groups(context, options)
        except SourceError as error:
            raise CommandError(str(error)) from None
        result = Imported()
        try:
            if dry_run:
                with transaction.atomic(using=context.using):
                    self._import(context, people, groups, result, with_roles=options["roles"])
                    transaction.set_rollback(True, using=context.using)
            else:
                self._import(context, people, groups, result, with_roles=options["roles"])
        except (DatabaseError, ScimError) as error:
            raise CommandError(f"Not finished; what was done stays, run it again. {error}") from error
        if json:
            self.print_json(_document(result, dry_run=dry_run))
        else:
            self._tell(result, dry_run=dry_run)
        left_out = result.left_out.total()
        if left_out:
            raise CommandError(
                f"{plural(left_out, 'person or group is', 'people or groups are')} left out, so the identity provider "
                "will not find them."
            )

    def _groups(self, context: Context, options: Mapping[str, Any]) -> Groups | None:
        model = _model(options["group_model"])
        columns = Columns.of(
            model, id=options["group_id"], name=options["group_name"], external_id=options["group_external_id"]
        )
        if not columns.id:
            self.remark(f"No groups: {model._meta.label} has no column scim_id. Name another with --group-id.")
            return None
        where = dict(options["group_filter"])
        if context.adapter.multi_tenant and not where:
            raise SourceError("Say with --group-filter which groups are this tenant's, or use --no-groups.")
        source = Groups.of(context, model, columns, members=options["members"], where=where)
        try:
            source.queryset(context).exists()
            context.adapter.model._base_manager.filter(**{f"{source.members}__in": []}).exists()
        except (FieldError, ValueError) as error:
            raise SourceError(str(error)) from None
        return source

    def _import(
        self, context: Context, people: Columns, groups: Groups | None, result: Imported, *, with_roles: bool
    ) -> None:
        with Progress(self.stderr, "people", lambda: bearers(context, people).count()) as bar:
            import_people(context, people, result, bar)
        if groups is not None:
            with Progress(self.stderr, "groups", lambda: groups.queryset(context).count()) as bar:
                import_groups(context, groups, result, bar, with_roles=with_roles)

    def _tell(self, result: Imported, *, dry_run: bool) -> None:
        self.stdout.write(
            f"{'Would import' if dry_run else 'Imported'} {plural(result.people, 'person', 'people')} and "
            f"{plural(result.groups, 'group', 'groups')} with {plural(result.memberships, 'membership', 'memberships')}"
            f" and {plural(result.role_mappings, 'role mapping', 'role mappings')}; {result.present} were there."
        )
        for user_name in result.protected:
            self.stdout.write(f"“{user_name}” is protected: the identity provider can no longer end their access.")
        for problem in result.problems:
            self.stdout.write(f"“{problem.name}” ({problem.id}) is left out: {problem.reason}.")
        unnamed = result.left_out.total() - len(result.problems)
        if unnamed:
            self.stdout.write(f"{plural(unnamed, 'more is', 'more are')} left out.")


def _condition(text: str) -> tuple[str, str]:
    lookup, sign, value = text.partition("=")
    if not sign:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form LOOKUP=VALUE")
    return lookup, value


def _people(context: Context, options: Mapping[str, Any]) -> Columns:
    """:raises SourceError: a column that was named is not there."""
    model = context.adapter.model
    given = {"id": options["user_id"], "name": options["user_name"], "external_id": options["user_external_id"]}
    columns = Columns.of(model, **given)
    return columns if columns.id else Columns.of(model, **given | {"id": "pk"})


def _model(label: str | None) -> type[models.Model]:
    """:raises SourceError: there is no such model."""
    if not label:
        return group_model()
    try:
        return apps.get_model(label)
    except (LookupError, ValueError) as error:
        raise SourceError(str(error)) from None


def _document(result: Imported, *, dry_run: bool) -> dict[str, Any]:
    return {
        "dry_run": dry_run,
        "people": result.people,
        "groups": result.groups,
        "memberships": result.memberships,
        "role_mappings": result.role_mappings,
        "present": result.present,
        "left_out": dict(result.left_out),
        "problems": [problem._asdict() for problem in result.problems],
        "protected": result.protected,
    }
