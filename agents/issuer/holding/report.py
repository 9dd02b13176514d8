"""What a worker says is wrong with a certificate: one record for each offer, so a wallet can never leave many.

It is said as a problem report on the offer's own thread (issue-credential 2.0, Aries RFC 0035), before or after the
wallet has the credential, with one of the codes below. Before, it declines the offer; after, the credential stays what
it is until somebody at the centre acts. A report has no value of the certificate: it names the offer, which has them.
"""

from datetime import datetime
from enum import Enum, StrEnum
from typing import ClassVar, Final

from pydantic import Field

from wanderbuch.agents.issuer.holding.successor import Why
from wanderbuch.plugins.exchange.reports import ProblemReport
from wanderbuch.store.records import Record

MOST_REPORTS: Final = 5
"""So often a wallet is heard about one certificate, over all times."""
_MOST_TEXT: Final = 280
_PREFIX: Final = "wrong."


class Wrong(StrEnum):
    """What is wrong, as a wallet says it: the code of its problem report is `wrong.` and this."""

    NAME = "name"
    DATE = "date"
    AWARD = "award"  # the occupation, the title, or the level
    NOT_MINE = "not-mine"
    OTHER = "other"

    @property
    def code(self) -> str:
        """Return the code of the problem report."""
        return f"{_PREFIX}{self.value}"


class ReportState(Enum):
    """Whether somebody has to see to it."""

    OPEN = "OPEN"
    CLOSED = "CLOSED"


class Report(Record):
    """What a worker says is wrong. Its id is the offer's.

    Args:
        what: which part.
        text: in the worker's words, cut short; may be personal, so never a tag, never logged, in no event.
        times: how often the wallet has said something.
        said_at: when it last did.
        is_held: whether a credential had come of the offer by then.
        closed_by: id of who saw to it.
    """

    category: ClassVar[str] = "wanderbuch.holder-report"

    what: Wrong
    text: str = Field(repr=False)
    times: int = 1
    said_at: datetime
    is_held: bool
    state: ReportState = ReportState.OPEN
    closed_by: str | None = None

    def index_state(self) -> str:
        """Return the state."""
        return self.state.value

    @property
    def next_steps(self) -> tuple[str, ...]:
        """Return what may be done about it, the likeliest first: reasons to supersede, or to correct what is open."""
        if not self.is_held:
            return ("withdraw",) if self.what is Wrong.NOT_MINE else ("correct",)
        match self.what:
            case Wrong.NOT_MINE:
                return (Why.WRONG_PERSON.value,)
            case Wrong.AWARD:
                return (Why.WRONG_LEVEL.value, Why.MISSPELT.value)
            case _:
                return (Why.MISSPELT.value,)


def what_is_wrong(report: ProblemReport) -> Wrong | None:
    """Return what a problem report says is wrong; None: it is another problem."""
    if not report.code.startswith(_PREFIX):
        return None
    try:
        return Wrong(report.code.removeprefix(_PREFIX))
    except ValueError:  # a code of later times
        return Wrong.OTHER


def said(offer_id: str, what: Wrong, text: str, *, is_held: bool, at: datetime) -> Report:
    """Return a first report."""
    return Report(id=offer_id, created_at=at, said_at=at, what=what, text=text[:_MOST_TEXT], is_held=is_held)


def said_again(kept: Report, fresh: Report) -> Report | None:
    """Return a report after the wallet spoke again; None: it is heard no more, or said the same."""
    if kept.times >= MOST_REPORTS:
        return None
    if (kept.what, kept.text, kept.is_held) == (fresh.what, fresh.text, fresh.is_held):  # it was sent again
        return None
    update = {"times": kept.times + 1, "created_at": kept.created_at}
    return fresh.model_copy(update=update)
