"""One e-mail about a slip, as it is given to the mail server: plain text, in the person's language."""

from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr
from typing import Final

from wanderbuch.agents.issuer.pages.slip_words import Letter, letter_text, one_line
from wanderbuch.agents.site.languages import FALLBACK, FOR_WORKERS
from wanderbuch.store.once import own_id

_POLICY: Final = SMTP.clone(cte_type="7bit")  # what any server takes


def written(letter: Letter, *, sender: str, to: str, at: datetime, key: tuple[str, ...]) -> bytes:
    """Return an e-mail (RFC 5322).

    Args:
        letter: what it says.
        sender: the address that it comes from.
        to: the address that it goes to.
        at: now.
        key: names this one e-mail: given twice, it has one Message-ID.
    """
    subject, text = letter_text(letter)
    message = EmailMessage(policy=_POLICY)
    message["From"] = formataddr((one_line(letter.centre), sender))
    message["To"] = to
    message["Subject"] = subject
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{own_id('slip-mail', *key)}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence is told to the centre
    message.set_content(text)  # after it: it clears what begins with "Content-"
    message["Content-Language"] = FOR_WORKERS.get(letter.language, FALLBACK).tag
    return message.as_bytes()
