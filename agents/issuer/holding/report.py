"""What a worker says is wrong with a certificate: one record for each offer, so a wallet can never leave many.

It is said as a problem report on the offer's own thread (issue-credential 2.0, Aries RFC 0035), before or after the
wallet has the credential (`plugins.exchange.wrong`). Before, it declines the offer; after, the credential stays what it
is until somebody at the centre acts. A report has no value of the certificate: it names the offer, which has them.
"""

from datetime import datetime
from enum import Enum
from typing import ClassVar, Final

from pydantic import Field

from wanderbuch.agents.issuer.holding.successor import Why
from wanderbuch.plugins.exchange.reports import ProblemReport
from wanderbuch.plugins.exchange.wrong import WrongPart, parts_of
from wanderbuch.store.records import Record

MOST_REPORTS: Final = 5
"""So often a wallet is heard about one certificate, over all times."""
_MOST_TEXT: Final = 280


class ReportState(Enum):
    """Whether somebody has to see to it."""

    OPEN = "OPEN"
    CLOSED = "CLOSED"


class HolderReport(Record):
    """What a worker says is wrong. Its id is the offer's.

    Args:
        what: which parts, each once.
        text: in the worker's words, cut short, until somebody saw to it; may be personal, so never a tag, never
            logged, in no event.
        message_id: of the message that said so.
        times: how often the wallet has said something.
        said_at: when it last did.
        has_credential: whether a credential had come of the offer by then.
        closed_by: id of who saw to it.
    """

    category: ClassVar[str] = "wanderbuch.holder-report"

    what: tuple[WrongPart, ...]
    text: str = Field(repr=False)
    message_id: str
    times: int = 1
    said_at: datetime
    has_credential: bool
    state: ReportState = ReportState.OPEN
    closed_by: str | None = None

    def index_state(self) -> str:
        """Return the state."""
        return self.state.value

    @property
    def next_steps(self) -> tuple[str, ...]:
        """Return what may be done about it, the likeliest first: reasons to supersede, or to correct what is open."""
        if not self.has_credential:
            return ("withdraw",) if WrongPart.MINE in self.what else ("correct",)
        if WrongPart.MINE in self.what:
            return (Why.WRONG_PERSON.value,)
        return (Why.WRONG_LEVEL.value, Why.MISSPELT.value) if WrongPart.LEVEL in self.what else (Why.MISSPELT.value,)


def said_again(kept: HolderReport, fresh: HolderReport) -> HolderReport | None:
    """Return a report after the wallet spoke again; None: it is heard no more, or it is the same message."""
    if kept.times >= MOST_REPORTS or kept.message_id == fresh.message_id:
        return None
    return fresh.model_copy(update={"times": kept.times + 1, "created_at": kept.created_at})


def first_report(
    offer_id: str, message_id: str, report: ProblemReport, *, has_credential: bool, at: datetime
) -> HolderReport:
    """Return a first report."""
    return HolderReport(
        id=offer_id,
        created_at=at,
        said_at=at,
        what=parts_of(report),
        text=report.text[:_MOST_TEXT],
        message_id=message_id,
        has_credential=has_credential,
    )


def closed(report: HolderReport, *, by: str) -> HolderReport:
    """Return a report that somebody saw to; the worker's words are needed no more."""
    return report.model_copy(update={"state": ReportState.CLOSED, "closed_by": by, "text": ""})
