"""docs/events.md says what the code does."""

from pathlib import Path

import pytest

from wanderbuch.agents.runtime.events.feed import MAX_STREAMS, MAX_STREAMS_A_TENANT
from wanderbuch.agents.runtime.webhooks.registry import MAX_WEBHOOKS
from wanderbuch.store.event_kinds import KINDS, EventKind, Field
from wanderbuch.store.events import KEEP_EVENTS, KEEP_S

GUIDE = (Path(__file__).parents[4] / "docs" / "events.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", EventKind)
def test_every_kind_stands_in_the_table_as_it_is(kind: EventKind) -> None:
    told = KINDS[kind]
    members = [
        f"`{name}`" + ("" if isinstance(allowed, Field) else f": {', '.join(allowed)}")
        for name, allowed in told.body.items()
    ]
    body = f" {', '.join(members)} " if members else " "
    assert f"| `{kind.value}` | {told.subject} |{body}| {told.text} |" in GUIDE


def test_no_other_kind_stands_there() -> None:
    rows = [line.split("`")[1] for line in GUIDE.splitlines() if line.startswith("| `") and "." in line.split("`")[1]]
    assert sorted(rows) == sorted(kind.value for kind in EventKind)


def test_the_numbers_are_those_of_the_code() -> None:
    assert f"{MAX_STREAMS_A_TENANT} streams" in GUIDE
    assert f"serves {MAX_STREAMS}" in GUIDE
    assert f"at most {MAX_WEBHOOKS} webhooks" in GUIDE
    assert f"last {KEEP_S / 86400:g} days, at most {KEEP_EVENTS:,} events" in GUIDE
