"""What is said before the open rows of a stopped issuer are handed over."""

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from tests.unit.cli.conftest import Run

from wanderbuch.agents.cli import store
from wanderbuch.agents.cli.store import open_rows
from wanderbuch.agents.cli.store.open_rows import HandedBatch, HandOverPlan, LiveBatch

CENTRE, SUCCESSOR, FORMER = "did:webvh:x:centre.test", "did:webvh:y:other.test", "did:webvh:z:former.test"


def test_titles_and_names_steer_nothing_in_the_terminal_of_whoever_is_asked() -> None:
    batches = (
        LiveBatch("b1", "Welders\x1b[2J\x1b]0;t\x07\nb9  0 open rows  none", 3, None),
        LiveBatch("b2", "Cooks", 1, FORMER),
        LiveBatch("b3", "Nurses", 2, SUCCESSOR),
    )
    plan = HandOverPlan(CENTRE, SUCCESSOR, "Galle \u202eloohcS", batches)
    out = io.StringIO()
    console = Console(file=out, soft_wrap=True, highlight=False, markup=False)
    for line in plan.lines():
        console.print(line)
    assert out.getvalue().splitlines() == [
        f"Galle loohcS ({SUCCESSOR}) goes on for {CENTRE}.",
        "  b1  3 open rows  Welders[2J]0;t b9  0 open rows  none",
        f"  b2  1 open rows  Cooks; it was handed over to {FORMER}",
        "  b3  2 open rows  Nurses",
    ]


def planned() -> HandOverPlan:
    return HandOverPlan(
        CENTRE,
        SUCCESSOR,
        "Galle",
        (
            LiveBatch("b1", "Welders", 3, None),
            LiveBatch("b2", "Cooks\x1b[2J]", 1, FORMER),
            LiveBatch("b3", "Nurses", 2, SUCCESSOR),
            LiveBatch("b4", "Tailors", 2, f"{FORMER}:again"),
        ),
    )


def test_whoever_answers_for_former_issuers_is_told_for_which_and_of_which_batches() -> None:
    assert planned().word() == [
        "You answer for it that",
        f"  {FORMER} has taken over no row of b2  Cooks[2J]",
        f"  {FORMER}:again has taken over no row of b4  Tailors",
        "Where one has taken over a row, its certificate comes twice, from two issuers.",
    ]
    assert HandOverPlan(CENTRE, SUCCESSOR, "Galle", planned().batches[::2]).word() == []


@pytest.mark.parametrize("has_none", [True, False])
def test_what_is_asked_is_what_is_handed_over(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, has_none: bool
) -> None:
    """The plan that was shown goes on as it is, and that word is asked for only where it is given."""
    confirmed: list[Any] = []

    async def plan(*_: Any) -> HandOverPlan:
        return planned()

    async def hand_over(_: Any, __: str, plan: HandOverPlan, *___: Any, **____: Any) -> list[HandedBatch]:
        confirmed.append(plan)
        return [HandedBatch("b1", SUCCESSOR, 3, ("rows.json",))]

    monkeypatch.setattr(store, "load_agent", lambda _: None)
    monkeypatch.setattr(open_rows, "plan_hand_over", plan)
    monkeypatch.setattr(open_rows, "hand_over_rows", hand_over)
    (tmp_path / "issuer.toml").touch()
    rows_here = tmp_path / "rows-here.json"
    rows_here.write_text("x")
    word = ("--it-has-none",) if has_none else ("--rows-here", str(rows_here))
    told = ("store", "hand-over-rows", "--config", str(tmp_path / "issuer.toml"), "--to", str(tmp_path), *word)
    code, _, err = run(*told, "--yes")
    assert (code, confirmed) == (0, [planned()]), err
    assert (f"{FORMER} has taken over no row of b2" in err, "comes twice" in err) == (has_none, has_none)
    assert f"b1: 3 rows for {SUCCESSOR} in rows.json" in err
