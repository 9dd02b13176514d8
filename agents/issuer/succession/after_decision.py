"""Was a file made after the authority decided who goes on for a centre? Older ones may have lost their rows since.

A decision has a day, and no instant: a file of the days that may be that one is in doubt. Then it must be younger than
the authority's file as well, which has an instant; a file that is refused for that is made again. A file from the
future is none.
"""

from datetime import datetime

from wanderbuch.governance.facts.anywhere import has_begun, is_over
from wanderbuch.governance.facts.snapshot import CLOCK_SKEW, GovernanceSnapshot
from wanderbuch.governance.facts.statements import Succession


def is_after_decision(made_at: datetime, named: Succession, snapshot: GovernanceSnapshot, *, at: datetime) -> bool:
    """Return whether a file was surely made after the authority's decision.

    Args:
        made_at: when, by the word of who made it.
        named: the decision.
        snapshot: the authority's file, which has it.
        at: the instant now, aware UTC.
    """
    if made_at > at + CLOCK_SKEW or not has_begun(named.decided_on, made_at):
        return False
    return is_over(named.decided_on, made_at) or made_at >= snapshot.file.last_updated
