"""How a provider talks: it counts, waits, and looks at every answer the way it looks at answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar, Final

from ..protocol.urns import PATCH_OP
from .judging import Doing, Fault, Trouble, fault_of_status, faults_of_list, faults_of_resource
from .report import Report
from .transports import Answer, NoAnswer, Transport

MINUTE: Final = 60.0


class Wire(ABC):
    overlooks: ClassVar[frozenset[Fault]]
    """What the provider does not look at."""
    attempts: ClassVar[int] = 5
    """How often it sends a request that is answered 429, and starts a job whose answer does not come."""
    timeout: ClassVar[float] = 60.0
    """Seconds after which it closes the connection."""

    def __init__(self, transport: Transport, report: Report) -> None:
        self.transport = transport
        self.report = report
        self.clock = 0.0
        """Seconds since the first day began, in the simulated life."""

    @abstractmethod
    def headers(self, method: str) -> Mapping[str, str]: ...

    @abstractmethod
    def words(self, trouble: Trouble, who: str) -> str:
        """What the provider tells its administrator."""

    def complain(self, trouble: Trouble, who: str) -> None:
        self.report.complain(f"{self.words(trouble, who)} [{trouble}]")

    def ask(self, doing: Doing, method: str, target: str, body: Any = None) -> Answer:
        """Send, and wait and send again while the answer is 429.

        :raises NoAnswer: none came in time.
        :raises Trouble: the patience has an end.
        """
        attempt = 0
        while True:
            attempt += 1
            answer = self._send(method, target, body)
            if answer.status != 429:
                return answer
            if attempt == self.attempts:
                raise Trouble(Fault.THROTTLED, doing, f"{method} {target}", answer)
            self.pause(self.patience(answer.headers.get("retry-after", ""), attempt))

    def patience(self, retry_after: str, attempt: int) -> float:
        """Seconds to wait after a 429."""
        return float(retry_after) if retry_after.isdigit() else MINUTE * attempt

    def pause(self, seconds: float) -> None:
        self.clock += seconds
        self.transport.pause(seconds)

    def _send(self, method: str, target: str, body: Any) -> Answer:
        self.report.requests += 1
        try:
            answer = self.transport.send(method, target, headers=self.headers(method), body=body)
            if answer.seconds > self.timeout:
                raise NoAnswer(f"no answer within {self.timeout:.0f} seconds")
        except NoAnswer:
            self.report.statuses[0] += 1
            raise
        self.report.statuses[answer.status] += 1
        self.report.latencies.append(answer.seconds)
        return answer

    def page(self, doing: Doing, target: str) -> dict[str, Any]:
        """A list, as it was answered.

        :raises Trouble: it is none, to this provider.
        """
        answer = self.ask(doing, "GET", target)
        self._judge(answer, faults_of_list, doing, f"GET {target}")
        found: dict[str, Any] = answer.json
        return found

    def listing(self, doing: Doing, target: str) -> list[dict[str, Any]]:
        """What a list holds.

        :raises Trouble: see ``page``.
        """
        resources: list[dict[str, Any]] = self.page(doing, target)["Resources"]
        return resources

    def resource(self, doing: Doing, method: str, target: str, body: Any = None) -> dict[str, Any]:
        """A resource that must be in the answer.

        :raises Trouble: it is not there.
        """
        answer = self.ask(doing, method, target, body)
        self._judge(answer, faults_of_resource, doing, f"{method} {target}")
        found: dict[str, Any] = answer.json
        return found

    def written(
        self, doing: Doing, method: str, target: str, body: Any = None, *, allowed: tuple[int, ...] = ()
    ) -> Answer:
        """Send what needs no body in the answer.

        :param allowed: statuses that are as good as success.
        """
        answer = self.ask(doing, method, target, body)
        if answer.status not in allowed:
            has_resource = method != "DELETE" and answer.status != 204
            self._judge(answer, faults_of_resource if has_resource else None, doing, f"{method} {target}")
        return answer

    def patch(self, doing: Doing, target: str, operations: list[dict[str, Any]]) -> None:
        self.written(doing, "PATCH", target, {"schemas": [PATCH_OP], "Operations": operations})

    def _judge(
        self, answer: Answer, look: Callable[[Answer], Iterator[Fault]] | None, doing: Doing, asked: str
    ) -> None:
        fault = fault_of_status(answer)
        faults: Iterable[Fault] = [fault] if fault else look(answer) if look else ()
        first = next((found for found in faults if found not in self.overlooks), None)
        if first is not None:
            raise Trouble(first, doing, asked, answer)
