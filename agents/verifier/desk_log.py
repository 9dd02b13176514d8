"""What people did at a verifier's desk: by id, never by name, and nothing of a credential.

Who asked what and when stands with the questions themselves (`Verification.asked_by`), so that nothing can be asked
without it. This log has the rest: people let in and out, templates, links, settings, applications to the authority,
questions taken back, values forgotten. Each line is written in one transaction with the records that it is about; only
that of a question taken back, or of an application, comes after: the marker says by itself who took it back, and an
application that is sent again writes its line once.
"""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Final

from acapy_agent.core.profile import Profile

from wanderbuch.agents.people.log import PeopleChange, TenantPeopleLog
from wanderbuch.agents.work.log import LogLine


class DeskAct(StrEnum):
    """What somebody did."""

    PERSON_ADDED = "person-added"
    PERSON_CHANGED = "person-changed"
    PERSON_REMOVED = "person-removed"
    TEMPLATE_SAVED = "template-saved"
    TEMPLATE_REMOVED = "template-removed"
    LINK_MADE = "link-made"
    LINK_CLOSED = "link-closed"
    LINK_WIDENED = "link-widened"
    CANCELLED = "cancelled"
    FORGOTTEN = "forgotten"
    SETTINGS_CHANGED = "settings-changed"
    POLICY_CHANGED = "policy-changed"
    APPLIED = "applied"


_OF_PEOPLE: Final = {
    PeopleChange.ADDED: DeskAct.PERSON_ADDED,
    PeopleChange.CHANGED: DeskAct.PERSON_CHANGED,
    PeopleChange.REMOVED: DeskAct.PERSON_REMOVED,
}


class DeskLine(LogLine):
    """A line of a desk's log."""

    category: ClassVar[str] = "wanderbuch.verifier-desk-log"


class DeskLog(TenantPeopleLog[DeskAct]):
    """The log of one verifier's desk.

    Args:
        profile: of the tenant.
        clock: the instant now, aware UTC.
    """

    def __init__(self, profile: Profile, *, clock: Callable[[], datetime]) -> None:
        super().__init__(profile, DeskLine, DeskAct, _OF_PEOPLE, clock=clock)
