"""Why an answer is kept, where a law asks for that: what the worker is told before they answer.

A presentation that is kept convinces others: whoever has it can show to anybody what its holder proved to one. So it is
kept only for a law that asks, under a key of its own, until a day on which that key is destroyed (`case_files`).
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from wanderbuch.errors import PresentationError
from wanderbuch.plugins.trust.verifying.kept_words import KEPT
from wanderbuch.visible_text import is_visible

MAX_KEPT: Final = timedelta(days=30 * 366)
_MAX_CHARS: Final = 120
_MAX_NAME_CHARS: Final = 512  # of a proof request's name: wallets, ours too, take no longer one


class KeepingError(PresentationError):
    """An answer cannot be kept like that."""

    code = "presentation.keeping"


@dataclass(frozen=True, slots=True)
class Keeping:
    """Why and how long an answer is kept.

    Args:
        law: which law asks for it, in words.
        purpose: what it is kept for, in words.
        until: the last day, in UTC; after it the key is destroyed.
        language: in which the worker is told, of `kept_words`.
    """

    law: str
    purpose: str
    until: date
    language: str = "en"

    @property
    def ends_at(self) -> datetime:
        """When the key is destroyed."""
        return end_of(self.until)

    def check(self, today: date, *, title: str = "", last_answer: date | None = None) -> None:
        """Refuse what is no reason, or no time.

        Args:
            today: in UTC.
            title: of the question; wallets show it and `told` as one name.
            last_answer: the day until which answers are taken; by default today.

        Raises:
            KeepingError: it is empty or too long, over before an answer comes, or longer than anybody may keep.
        """
        if self.language not in KEPT:
            raise KeepingError(f"expected one of the languages {', '.join(KEPT)}, found {self.language[:16]!r}")
        for name, text in (("law", self.law), ("purpose", self.purpose)):
            if not text.strip() or len(text) > _MAX_CHARS or not is_visible(text):
                raise KeepingError(
                    f"expected a {name} in 1 to {_MAX_CHARS} characters, found none, or more", hint="name it in words"
                )
        answered = max(today, last_answer or today)
        if not answered < self.until <= today + MAX_KEPT:
            raise KeepingError(
                f"expected a last day after {answered.isoformat()}, within {MAX_KEPT.days} days,"
                f" found {self.until.isoformat()}",
                hint="an answer may come until the deadline, and is kept for a day or longer",
            )
        if (over := len(self.beside(title)) - _MAX_NAME_CHARS) > 0:
            raise KeepingError(
                f"expected law and purpose that fit beside {title[:60]!r}, found {over} more characters than fit",
                hint="say it in fewer words",
            )

    def beside(self, title: str) -> str:
        """Return the name of a proof request that says it: the one text that every wallet shows."""
        return f"{title}. {self.told()}"

    def told(self) -> str:
        """Return what the worker is told before they answer."""
        law, purpose = self.law.strip().rstrip("."), self.purpose.strip().rstrip(".")
        return KEPT[self.language].format(until=self.until.isoformat(), law=law, purpose=purpose)


def end_of(day: date) -> datetime:
    """Return when a last day is over."""
    return datetime.combine(day + timedelta(days=1), time(), UTC)
