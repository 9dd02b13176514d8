"""What people are written who are to claim a certificate: in their language, and never whose certificate it is.

It may be another person's telephone or mailbox: no name, no PIN, and nothing that is asked for stands in it.
"""

from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from wanderbuch.agents.issuer.batch_records.batch import Access
from wanderbuch.agents.issuer.pages.kit import KIT
from wanderbuch.agents.site.languages import FALLBACK


@dataclass(frozen=True, slots=True)
class Letter:
    """What an e-mail says.

    Args:
        centre: the name of the training centre.
        language: tag.
        link: of the slip.
        asks: what the person shows beside it.
        until: when the link ends.
        is_reminder: whether it was sent before.
    """

    centre: str
    language: str
    link: str
    asks: Access
    until: datetime
    is_reminder: bool


def message_text(centre: str, language: str, link: str) -> str:
    """Return the text of a short message of a training centre, in a language (its tag), with the link of a slip."""
    words = KIT.words(KIT.languages.get(language, FALLBACK))
    return words("claim.message", centre=one_line(centre), link=link).unescape()


def letter_text(letter: Letter) -> tuple[str, str]:
    """Return subject and text of an e-mail."""
    words = KIT.words(KIT.languages.get(letter.language, FALLBACK))
    centre, is_again = one_line(letter.centre), letter.is_reminder
    subject = words("mail.remind_subject", centre=centre) if is_again else words("mail.subject", centre=centre)
    parts = [
        words("mail.again") if is_again else Markup(),
        words("claim.lead", centre=centre),
        words("mail.open") + Markup("\n{}").format(letter.link),
        words("mail.asks.pin") if letter.asks is Access.PIN else words("mail.asks.fact"),
        words("mail.until", date=words.date(letter.until.date()).striptags()),
        words("mail.alone"),
    ]
    text = "\n\n".join(part.unescape() for part in parts if part)
    return subject.unescape(), f"{text}\n"


def one_line(text: str) -> str:
    """Return a name without what ends a line, as it stands in a header."""
    return " ".join(text.split())
