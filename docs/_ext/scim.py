"""Directives for what stands in the code already and is not written twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import check_messages
import providers
from django.utils.translation import override
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


class CheckMessages(SphinxDirective):
    """As ``manage.py check`` prints it."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        text = check_messages.printed(self.arguments[0])
        return [nodes.literal_block(text, text, language="text")]


def generated(lines: Callable[[str], Iterator[str]], *, required: int = 1) -> type[SphinxDirective]:
    """A directive that puts lines of reStructuredText in its place."""

    class Generated(SphinxDirective):
        required_arguments = required
        optional_arguments = 1 - required

        def run(self) -> list[nodes.Node]:
            with override("en"):
                source = "\n".join(lines(self.arguments[0] if self.arguments else ""))
            return self.parse_text_to_nodes(source)

    return Generated


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("scim-check", CheckMessages)
    app.add_directive("scim-steps", generated(providers.steps))
    app.add_directive("scim-attributes", generated(providers.attributes))
    app.add_directive("scim-complaints", generated(providers.complaints, required=0))
    app.add_directive("scim-recordings", generated(providers.recordings))
    return {"parallel_read_safe": True}
