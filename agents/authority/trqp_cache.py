"""Answers that are given again to the very same question, for no longer than any reader may keep them. Pure.

An answer counts only for the snapshot that it was worked out from: a new version, a new freshness statement or a change
of a recognised authority's file makes a new snapshot, and all answers of before are gone at once.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from wanderbuch.governance.facts.snapshot import GovernanceSnapshot

_MAX_ANSWERS: Final = 4096
_MAX_QUESTION_BYTES: Final = 1024  # longer ones are rare, and worked out each time


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer as it is sent.

    Args:
        tag: its entity tag.
        keep_until: it counts before this instant; None: it is not kept.
    """

    body: bytes
    tag: str
    keep_until: datetime | None

    def seconds_left(self, at: datetime) -> int:
        """Return for how many whole seconds it counts from `at` on."""
        return 0 if self.keep_until is None else max(0, int((self.keep_until - at).total_seconds()))


class AnswerCache:
    """Answers by question; the oldest goes when there are too many.

    Args:
        max_answers: how many are kept.
    """

    def __init__(self, *, max_answers: int = _MAX_ANSWERS) -> None:
        self._max_answers = max_answers
        self._snapshot: GovernanceSnapshot | None = None
        self._answers: dict[tuple[object, bytes], KeptAnswer] = {}

    def __len__(self) -> int:
        return len(self._answers)

    def kept(self, kind: object, question: bytes, snapshot: GovernanceSnapshot, at: datetime) -> KeptAnswer | None:
        """Return the answer that was given to this question before, if it still counts.

        Args:
            kind: authorization or recognition.
            question: the body of the request.
            snapshot: what the answer must rest on.
            at: the instant now, aware.
        """
        if snapshot is not self._snapshot:
            self._snapshot = snapshot
            self._answers.clear()
            return None
        kept_answer = self._answers.get((kind, question))
        return (
            kept_answer
            if kept_answer is not None and kept_answer.keep_until is not None and at < kept_answer.keep_until
            else None
        )

    def keep(self, kind: object, question: bytes, snapshot: GovernanceSnapshot, answer: KeptAnswer) -> None:
        """Keep an answer that was worked out from `snapshot`, if it may be kept; the rest as for `kept`."""
        if answer.keep_until is None or len(question) > _MAX_QUESTION_BYTES or snapshot is not self._snapshot:
            return
        self._answers.pop((kind, question), None)
        if len(self._answers) >= self._max_answers:
            del self._answers[next(iter(self._answers))]
        self._answers[kind, question] = answer
