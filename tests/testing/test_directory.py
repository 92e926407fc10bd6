"""The life of a directory: nothing is missing from it, and it is the same each time."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django_scim_provider.testing import Directory
from django_scim_provider.testing.directory import Group, Person, State


def directory(**options: Any) -> Directory:
    return Directory(
        **{"users": 40, "group_count": 6, "days": 8, "seed": 1, "domain": "example.com"} | options,
        new_key=lambda random: str(random.getrandbits(64)),
    )


def happened(made: Directory) -> Counter[str]:
    """What changed, in words, while the life is led."""
    seen: Counter[str] = Counter()
    for changes in made.life:
        for change in changes:
            before: Any = (made.people if isinstance(change, Person) else made.groups).get(change.key)
            if before is None:
                names = {person.user_name for person in made.people.values()}
                seen["return under an old name" if getattr(change, "user_name", "") in names else "come"] += 1
            else:
                for name, value in vars(change).items():
                    if vars(before)[name] != value:
                        seen[f"{value}" if name == "state" else name] += 1
            if isinstance(change, Group) and not change.members:
                seen["empty group"] += 1
            made.apply(change)
    return seen


def test_everything_happens_that_happens_to_people_and_groups() -> None:
    made = directory()
    seen = happened(made)
    assert set(seen) == {
        "come", "user_name", "family_name", "display_name", "title", "department", "phone", "manager", "password",
        "active", "suspended", "deleted", "purged", "return under an old name",
        "name", "members", "is_deleted", "empty group",
    }  # fmt: skip
    assert seen["come"] == 46
    texts = "".join(person.display_name for person in made.people.values())
    assert not texts.isascii()
    assert {"'", '"'} <= set(texts)


def test_a_short_life_of_few_people_still_has_the_main_things() -> None:
    seen = happened(directory(users=10, group_count=3, days=3))
    assert seen.keys() >= {"come", "user_name", "title", "manager", "active", "suspended", "deleted", "members", "name"}


def test_the_life_is_drawn_from_the_seed() -> None:
    assert directory().life == directory().life != directory(seed=2).life


def test_a_directory_may_be_empty_or_of_one_day() -> None:
    assert directory(users=0, group_count=0).life == [[] for _ in range(8)]
    assert len(directory(users=3, group_count=0, days=1).life[0]) == 3
    assert directory(days=0).life == []
    assert {change.manager for day in directory(users=1, group_count=0).life for change in day} == {""}


def test_whoever_is_gone_is_in_no_group_and_manages_nobody_who_is_there() -> None:
    made = directory(users=60, days=20)
    happened(made)
    gone = {person.key for person in made.people.values() if person.state in (State.DELETED, State.PURGED)}
    assert gone
    assert not any(group.members & gone for group in made.groups.values())
    assert not any(person.manager in gone for person in made.people.values() if person.is_active)
    names = Counter(person.user_name for person in made.people.values() if person.state is not State.PURGED)
    assert set(names.values()) == {1}
