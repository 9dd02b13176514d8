"""What is said before the open rows of a stopped issuer are handed over."""

import io

from rich.console import Console

from wanderbuch.agents.cli.store.open_rows import HandOverPlan, LiveBatch

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
