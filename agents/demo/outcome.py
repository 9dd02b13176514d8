"""What a scene of the demo expected, what happened, and the table at the end: plain data, for people and programs."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import Any


class Outcome(Enum):
    """How an employer's question ended."""

    TRUSTED = "TRUSTED"
    NOT_TRUSTED = "NOT_TRUSTED"
    UNKNOWN = "UNKNOWN"
    STALE = "STALE"
    DECLINED = "DECLINED"
    NO_ANSWER = "NO_ANSWER"


@dataclass(frozen=True, slots=True)
class Answer:
    """How one question ended.

    Args:
        reasons: codes with their sentences, as the verifier gave them.
        seen: attribute -> value that the employer saw.
        hidden: attributes of the credential that the employer did not see.
        asked: the question in words.
        governance: the file the decision rests on, in words; None without a decision.
    """

    outcome: Outcome
    reasons: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    seen: dict[str, str] = field(default_factory=dict)
    hidden: tuple[str, ...] = ()
    governance: str | None = None


@dataclass(frozen=True, slots=True)
class SceneResult:
    """One scene as it went."""

    name: str
    title: str
    expected: Outcome
    answer: Answer
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether it ended as expected."""
        return self.answer.outcome is self.expected

    def as_json(self) -> dict[str, Any]:
        """Return the scene for programs."""
        return {
            "name": self.name,
            "title": self.title,
            "expected": self.expected.value,
            "actual": self.answer.outcome.value,
            "ok": self.ok,
            "reasons": list(self.answer.reasons),
            "seconds": round(self.seconds, 3),
            **{
                key: value
                for key, value in asdict(self.answer).items()
                if key in {"asked", "seen", "hidden", "governance"}
            },
        }


@dataclass(frozen=True, slots=True)
class DemoResult:
    """All scenes.

    Args:
        store: where the four services kept their stores.
        carried: role -> how many connections each of its processes took from the proxies; empty with one process.
    """

    scenes: Sequence[SceneResult]
    seconds: float
    store: str = "sqlite"
    carried: Mapping[str, Sequence[int]] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether there were scenes and every one ended as expected."""
        return bool(self.scenes) and all(scene.ok for scene in self.scenes)

    def as_json(self) -> dict[str, Any]:
        """Return the result for programs."""
        return {
            "scenes": [scene.as_json() for scene in self.scenes],
            "ok": self.ok,
            "seconds": round(self.seconds, 3),
            "store": self.store,
            "carried": {role: list(taken) for role, taken in self.carried.items()},
        }
