"""What a worker says is wrong is one task an offer: from its wallet alone, bounded, with nothing of the certificate."""

import json
from collections.abc import Mapping
from typing import Any

from tests.unit.issuer.each_engine import workshop
from tests.unit.issuer.workshop import Workshop

from wanderbuch.agents.issuer.holding.report import MOST_REPORTS, ReportState
from wanderbuch.agents.issuer.offers import Offer, OfferState, Receipt
from wanderbuch.plugins.exchange.reports import problem_report
from wanderbuch.plugins.exchange.wrong import WrongPart

__all__ = ["workshop"]

KIND = "issue-credential/2.0/problem-report"


async def say(
    workshop: Workshop, offer: Offer, what: list[str], text: str, *, by: Offer | None = None
) -> Mapping[str, Any]:
    items = [("wrong", one) for one in what]
    report = problem_report(KIND, thread_id=offer.thread_id, code="issuance-abandoned", text=text, items=items)
    await workshop.receive(report, workshop.phone_of(by or offer))
    return report


async def test_a_report_is_a_task_until_somebody_saw_to_it(workshop: Workshop) -> None:
    kept, other = await workshop.issue(), await workshop.issue()
    await workshop.acknowledge(kept)
    first = await say(workshop, kept, ["name"], "it is Pereira")
    report = await workshop.reports.get(kept.id)
    assert (report.state, report.what, report.text, report.next_steps) == (
        ReportState.OPEN,
        (WrongPart.NAME,),
        "it is Pereira",
        ("misspelt",),
    )
    assert not set(json.loads(report.model_dump_json())) & set(kept.values)
    after = await workshop.desk.get(kept.id)  # the credential stays what it is
    assert (after.state, after.receipt) == (OfferState.ISSUED, Receipt.KEPT)

    await say(workshop, kept, ["other"], "from another wallet", by=other)
    assert (await workshop.reports.get(kept.id)).text == "it is Pereira"
    await workshop.decline(other)  # a decline that does not say what is wrong is no task
    assert await workshop.reports.count_open() == 1

    closed = await workshop.reports.close(kept.id, by="n.silva")
    assert (closed.state, closed.closed_by, closed.text) == (ReportState.CLOSED, "n.silva", "")
    await workshop.receive(dict(first), workshop.phone_of(kept))  # sent again: nothing new
    assert await workshop.reports.count_open() == 0
    for at in range(2 * MOST_REPORTS):
        await say(workshop, kept, ["other"], f"{at} " + "x" * 1000)
    last = await workshop.reports.get(kept.id)
    assert (last.times, last.state, len(last.text)) == (MOST_REPORTS, ReportState.OPEN, 280)
    assert [one.id for one in (await workshop.reports.page()).items] == [kept.id]
    await workshop.reports.forget(kept.id)
    assert await workshop.reports.find(kept.id) is None


async def test_before_it_is_taken_a_report_declines_the_offer(workshop: Workshop) -> None:
    offer = await workshop.offer()
    await say(workshop, offer, ["of-later-times", "level", "level", "name"], "")
    assert (await workshop.desk.get(offer.id)).state is OfferState.DECLINED
    report = await workshop.reports.get(offer.id)
    assert (report.what, report.has_credential, report.next_steps) == (
        (WrongPart.NAME, WrongPart.LEVEL, WrongPart.OTHER),
        False,
        ("correct",),
    )
