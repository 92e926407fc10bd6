"""Every page, light and dark, wide and narrow: nothing serious for axe, nothing sticks out of the window.

With ``docs/_static/panel`` in ``SCIM_SCREENSHOTS`` each is photographed: ``make screenshots``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from browser.conftest import NARROW, PASSWORD, WIDE, Tab
from browser.scene import set_up
from django_scim_provider.models import GroupRoleMapping, ScimConnection, ScimEvent, ScimToken

LOOKS = {
    "light": {"color_scheme": "light", "size": WIDE},
    "dark": {"color_scheme": "dark", "size": WIDE},
    "light-narrow": {"color_scheme": "light", "size": NARROW},
    "dark-narrow": {"color_scheme": "dark", "size": NARROW},
}
SHOWN = (
    "overview",
    "enable",
    "reveal",
    "setup",
    "test",
    "people",
    "groups-effect",
    "policies",
    "removals",
    "events",
    "event",
)
NO_TOKEN = f"djscim_Example12345_{'x' * 49}"
SHOWN_HEIGHT = 740
DJANGOS_OWN = re.compile(r'id="searchbar"|<a href="\?">Show all</a>')
"""What axe finds in Django's own list of objects, which is not ours to change."""
CUT_OFF = """() => {
    document.querySelectorAll("details").forEach((one) => { one.open = true });
    const boxes = [...document.querySelectorAll(".scim-panel :is(.form-row, .scim-scroll)")];
    return boxes.filter((one) => one.scrollWidth > one.clientWidth).map((one) => "cut off: " + one.innerText.slice(0, 60));
}"""
PANEL = "/admin/scim_provider/scimconnection/"
EVENTS = "/admin/scim_provider/scimevent/"


class Page(NamedTuple):
    name: str
    path: str
    act: Callable[[Tab], None] | None = None
    """What to do there before looking."""


def pages(connection: ScimConnection) -> Iterator[Page]:
    own = f"{PANEL}{connection.pk}/"
    off = ScimConnection.objects.get(enabled=False)
    token = ScimToken.objects.get(name="Okta production")
    mapping = GroupRoleMapping.objects.get(group_name="Writers")
    refused = ScimEvent.objects.filter(connection=connection, outcome="refused", action="create").latest("pk")
    yield Page("overview", PANEL)
    yield Page("enable", f"{PANEL}add/")
    yield Page("setup", f"{own}change/")
    yield Page("test", f"{own}test/", lambda tab: tab.click("Test the connection"))
    yield Page("people", f"{own}people/")
    yield Page("groups", f"{own}groups/")
    yield Page("groups-effect", f"{own}groups/", _map_group)
    yield Page("priority", f"{own}groups/priority/{mapping.pk}/")
    yield Page("unmap", f"{own}groups/unmap/{mapping.pk}/")
    yield Page("policies", f"{own}policies/")
    yield Page("removals", f"{own}removals/")
    yield Page("release", f"{own}removals/release/")
    yield Page("undo", f"{own}removals/undo/")
    yield Page("events", f"{own}events/")
    yield Page("all-events", EVENTS)
    yield Page("event", f"{EVENTS}{refused.pk}/change/")
    yield Page("issue", f"{own}tokens/issue/")
    yield Page("reveal", f"{own}tokens/issue/", _issue)
    yield Page("rotate", f"{own}tokens/{token.pk}/rotate/")
    yield Page("revoke", f"{own}tokens/{token.pk}/revoke/")
    yield Page("disable", f"{own}disable/")
    yield Page("setup-off", f"{PANEL}{off.pk}/change/")
    yield Page("enable-again", f"{PANEL}{off.pk}/enable/")
    yield Page("delete", f"{PANEL}{off.pk}/delete/")
    yield Page("history", f"{own}history/")


def _map_group(tab: Tab) -> None:
    tab.fill("Group", "Research and development")
    tab.choose("Role", "Viewers")
    tab.click("Show what would change")


def _issue(tab: Tab) -> None:
    tab.fill("Your password", PASSWORD)
    tab.click("Issue token")
    # A picture of a token should be that of one that never was.
    tab.do(lambda page: page.evaluate(f"document.getElementById('scim-token').textContent = {NO_TOKEN!r}"))


def serious(axe: Any, page: Any) -> list[str]:
    """What axe finds that keeps somebody from using the page."""
    found = axe.run(page).response["violations"]
    return [
        f"{one['id']}: {node['html'][:120]}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
        if not DJANGOS_OWN.search(node["html"])
    ]


@pytest.mark.parametrize("look", LOOKS)
def test_every_page_can_be_used_by_everybody(
    look: str, new_tab: Callable[..., Tab], administrator: Any, settings: Any
) -> None:
    folder = os.environ.get("SCIM_SCREENSHOTS")
    if look == "dark-narrow" and not folder:
        return  # nothing that one of the others would not show
    settings.SCIM_PROVIDER = settings.SCIM_PROVIDER | {"BASE_URL": "https://app.example.com/scim/v2"}
    tab = new_tab(**LOOKS[look])
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    connection = set_up(administrator)
    tab.sign_in(administrator)
    wrong = {}
    for page in pages(connection):
        tab.open(page.path)
        if page.act:
            page.act(tab)
        if folder:
            _photograph(tab, page.name, look, Path(folder))
        width = tab.do(lambda opened: opened.evaluate("document.documentElement.scrollWidth - window.innerWidth"))
        problems = [f"sticks out by {width} pixels"] if width > 0 else []
        if look.endswith("narrow"):
            problems += tab.do(lambda opened: opened.evaluate(CUT_OFF))
        else:
            problems += tab.do(lambda opened: serious(axe, opened))
        if problems:
            wrong[page.name] = problems
    assert not wrong


def _photograph(tab: Tab, name: str, look: str, folder: Path) -> None:
    """What the documentation shows goes into the folder itself, its upper part only; the rest beside the built pages."""
    if look == "light" and name in SHOWN:
        height = tab.do(lambda page: page.evaluate("document.documentElement.scrollHeight"))
        clip = {"x": 0, "y": 0, "width": WIDE[0], "height": min(height, SHOWN_HEIGHT)}
        options = {"path": str(folder / f"{name}.png"), "clip": clip}
    else:
        options = {"path": str(folder.parents[1] / "_build" / "panel" / f"{name}-{look}.png")}
    tab.do(lambda page: page.evaluate("window.scrollTo(0, 0)"))
    tab.do(lambda page: page.screenshot(full_page=True, **options))
