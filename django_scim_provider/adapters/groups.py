from __future__ import annotations

from collections.abc import Collection
from functools import cached_property
from typing import Any, ClassVar, cast

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import models

from ..models import ScimConnection, ScimGroup
from ..protocol import core_schemas
from ..protocol.errors import InvalidValue
from ..protocol.schemas import Schema
from .base import ResourceAdapter


class GroupAdapter(ResourceAdapter):
    """Groups as the identity provider pushes them: rows of ours. What they mean is a role backend's affair.

    A host with teams of its own names the model and its through table: each pushed group is then carried over to a
    team, each membership to a row of the through table, in the same transaction. Memberships made by hand stay.

    .. code-block:: python

        class TeamAdapter(GroupAdapter):
            team = "workspace.Team"
            team_members = "workspace.TeamMember"    # foreign keys ``team`` and ``user``

            def new_team(self, name, connection):
                return Team(name=name, organization=...)
    """

    name = "Group"
    endpoint = "/Groups"
    description = "Group"
    schema: ClassVar[Schema] = core_schemas.GROUP

    team: ClassVar[str | None] = None
    """The host's own model, as ``"app.Model"``; ``None`` where groups are only ours."""
    team_name: ClassVar[str] = "name"
    team_members: ClassVar[str | None] = None
    """The through model between teams and users, as ``"app.Model"``."""
    member_team: ClassVar[str] = "team"
    member_user: ClassVar[str] = "user"

    @property
    def model(self) -> type[models.Model]:
        return ScimGroup

    @cached_property
    def team_model(self) -> type[models.Model] | None:
        return apps.get_model(self.team) if self.team else None

    @cached_property
    def _through(self) -> type[models.Model] | None:
        return apps.get_model(self.team_members) if self.team_members else None

    def get_teams(self, connection: ScimConnection) -> models.QuerySet[Any] | None:
        """The teams that a connection may take over when it adopts what exists. Default: all."""
        return None if self.team_model is None else self.team_model._default_manager.all()

    def new_team(self, name: str, connection: ScimConnection) -> Any:
        """A team, not saved yet, for a group that was pushed; override it where a team needs more than a name."""
        assert self.team_model is not None  # noqa: S101 (called only where the host has teams)
        return self.team_model(**{self.team_name: name})

    def new_member(self, team: str, user: Any) -> Any:
        """A membership, not saved yet, from primary keys; override it where one needs more than team and user."""
        assert self._through is not None  # noqa: S101 (called only where the host has memberships)
        return self._through(**{f"{self.member_team}_id": team, f"{self.member_user}_id": user})

    # Writing; called by services only ----------------------------------------------------------------------

    def create_team(self, name: str, connection: ScimConnection, using: str) -> str:
        """Make the team of a new group; returns its primary key as text.

        :raises InvalidValue: a team cannot be called that.
        """
        team = self.new_team(self._cleaned(name), connection)
        team.save(using=using, force_insert=True)
        return str(team.pk)

    def rename_team(self, key: str, name: str, using: str) -> None:
        """Carry a group's new name over; a team that the host deleted stays deleted.

        :raises InvalidValue: a team cannot be called that.
        """
        team = self._team(key, using)
        if team is not None:
            setattr(team, self.team_name, self._cleaned(name))
            team.save(using=using, update_fields=[self.team_name])

    def delete_team(self, key: str, using: str) -> None:
        """Delete the team that a group had made."""
        team = self._team(key, using)
        if team is not None:
            team.delete(using=using)

    def members(self, key: str, using: str) -> list[Any]:
        """The primary keys of a team's users."""
        if self._through is None:
            return []
        return list(self._members(key, using).values_list(f"{self.member_user}_id", flat=True))

    def add_members(self, key: str, users: Collection[Any], using: str) -> None:
        """Make users members of a team; those who are stay as they are. The host's ``save()`` runs for each."""
        if self._through is None or self._team(key, using) is None:
            return
        mine = self._members(key, using).filter(**{f"{self.member_user}__in": users})
        present = set(mine.values_list(f"{self.member_user}_id", flat=True))
        for user in users:
            if user not in present:
                self.new_member(key, user).save(using=using, force_insert=True)

    def remove_members(self, key: str, users: Collection[Any], using: str) -> None:
        """End users' membership of a team."""
        if self._through is not None:
            self._members(key, using).filter(**{f"{self.member_user}__in": users}).delete()

    def _cleaned(self, name: str) -> Any:
        assert self.team_model is not None  # noqa: S101 (called only where the host has teams)
        field = cast("models.Field[Any, Any]", self.team_model._meta.get_field(self.team_name))
        try:
            return field.clean(name, None)
        except ValidationError as error:
            raise InvalidValue(f"The application cannot call a team so: {' '.join(error.messages)}") from error

    def _members(self, key: str, using: str) -> models.QuerySet[Any]:
        assert self._through is not None  # noqa: S101 (asked by every caller)
        return self._through._base_manager.using(using).filter(**{f"{self.member_team}_id": key})

    def _team(self, key: str, using: str) -> Any:
        if self.team_model is None:  # the host had teams when the group was pushed
            return None
        return self.team_model._base_manager.using(using).filter(pk=key).first()
