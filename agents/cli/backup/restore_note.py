"""What a restore says that it did."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RestoreNote:
    """One thing that was done after the backup was put in place.

    Args:
        tenant: for whom.
        kind: a word for programs.
        text: for people.
    """

    tenant: str
    kind: str
    text: str
