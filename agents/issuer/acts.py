"""What people did at a training centre's console, or by REST: by id, never by name, and no value of a certificate.

Console and REST write here; whoever has the agent's own token is "operator". A correction is written in one transaction
with the claim that it changes. What a person made (an offer, a batch) is written down after it; an offer itself says by
whom, and of those that programs make, thousands a day, nothing else does. Any other line is written before its act, so
a crash between leaves a line too many, and never an act without one. An act that changes nothing writes nothing.
"""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from acapy_agent.core.profile import Profile

from wanderbuch.agents.work.log import LogLine
from wanderbuch.agents.work.tenant_log import TenantLog, TenantLogEntry
from wanderbuch.store.records import utc_now


class Act(StrEnum):
    """What somebody did."""

    STARTED = "started"
    PAUSED = "paused"
    RESUMED = "resumed"
    CANCELLED = "cancelled"
    EXTENDED = "extended"
    REMOVED = "removed"
    ROW_EDITED = "row-edited"
    ROW_RETRIED = "row-retried"
    ROW_LEFT_OUT = "row-left-out"
    ROW_RENEWED = "row-renewed"
    OFFERED = "offered"
    WITHDRAWN = "withdrawn"
    BATCH_MADE = "batch-made"
    HANDED_OVER = "handed-over"
    TAKEN_OVER = "taken-over"
    REVOKED = "revoked"
    ERASED = "erased"
    ERASURE_REFUSED = "erasure-refused"
    ACCESS_ANSWERED = "access-answered"
    COUNTS_PUBLISHED = "counts-published"
    MAIL_STARTED = "mail-started"
    MAIL_ENDED = "mail-ended"
    ROW_MAILED = "row-mailed"
    SUPERSEDED = "superseded"
    OFFERED_AGAIN = "offered-again"
    SUPERSEDING_DROPPED = "superseding-dropped"
    REPORT_CLOSED = "report-closed"
    CONSENT_NOTED = "consent-noted"
    CONSENT_WITHDRAWN = "consent-withdrawn"


class ActLine(LogLine):
    """A line of a centre's log."""

    category: ClassVar[str] = "wanderbuch.issuer-act-log"


type ActEntry = TenantLogEntry[Act]
"""A line of it as people read it."""


class ActLog(TenantLog[Act]):
    """The log of one centre.

    Args:
        profile: of the tenant.
        clock: the instant now, aware UTC.
    """

    def __init__(self, profile: Profile, *, clock: Callable[[], datetime] = utc_now) -> None:
        super().__init__(profile, ActLine, Act, clock=clock)
