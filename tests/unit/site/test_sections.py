from typing import Any

import pytest

from wanderbuch.agents.site.fields import FormField, Kind, place_findings, shown
from wanderbuch.agents.site.languages import FALLBACK
from wanderbuch.agents.site.rendering import Kit
from wanderbuch.agents.site.sections import FormSection, in_sections

DECISIONS = FormField(
    "status", Kind.ROWS, "form.decisions", fields=(FormField("reason", Kind.TEXT, "reason"),), is_needed=False
)
AGENT = FormField("agent", Kind.TEXT, "accreditation.by")
SECTIONS = (
    FormSection("form.what_counts", (FormField("id", Kind.TEXT, "accreditation.number"),)),
    FormSection("form.suspend_or_withdraw", (DECISIONS, AGENT), is_folded=True, opens_for=("status",)),
)


def opened(statement: dict[str, Any], *, mistake_at: str = "", extra: str = "") -> list[bool]:
    fields = [field for section in SECTIONS for field in section.fields]
    placed = shown(fields, statement, Kit().words(FALLBACK), extra=extra)
    if mistake_at:
        place_findings(placed, [(mistake_at, object())])
    return [in_section.is_open for in_section in in_sections(SECTIONS, placed, extra=extra)]


def test_what_few_need_is_folded_away() -> None:
    assert opened({}) == [True, False]


def test_what_most_have_does_not_open_a_section() -> None:
    assert opened({"agent": "The authority"}) == [True, False]


def test_what_is_decided_is_never_hidden() -> None:
    assert opened({"status": [{"reason": "No workshop"}]}) == [True, True]


@pytest.mark.parametrize("path", ["/agent", "/status", "/status/0/reason"])
def test_a_mistake_opens_the_section_that_it_is_in(path: str) -> None:
    assert opened({}, mistake_at=path) == [True, True]
    assert opened({}, mistake_at="/id") == [True, False]


def test_a_row_that_is_asked_for_is_seen() -> None:
    assert opened({}, extra="status") == [True, True]
    assert opened({}, extra="id") == [True, False]
