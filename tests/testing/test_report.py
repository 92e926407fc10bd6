from __future__ import annotations

from collections import Counter

from django_scim_provider.testing import Report


def test_a_report_without_findings() -> None:
    report = Report("Okta", 21, Counter({200: 19, 409: 1, 0: 1}), [number / 1000 for number in range(1, 21)])
    assert report.ok
    assert str(report) == report.render()
    assert report.render().splitlines() == [
        "Okta",
        "  requests    21",
        "  statuses    1 x no answer, 19 x 200, 1 x 409",
        "  latency     median 10 ms, p95 19 ms",
        "  The provider would have complained of nothing.",
        "  The server has what the directory has.",
    ]


def test_findings_are_shown_each_once_and_not_all_of_them() -> None:
    report = Report("Okta", differences=["ann is not there."])
    for number in range(25):
        report.complain(f"No results for users returned {number}")
        report.complain("No results for users returned 0")
    assert not report.ok
    assert len(report.complaints) == 25
    lines = report.render().splitlines()
    assert "  25 complaints:" in lines
    assert "    … and 5 more" in lines
    assert lines[-2:] == ["  1 difference:", "    - ann is not there."]
