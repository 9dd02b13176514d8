"""The talk with the mail server (RFC 5321), in steps, so that it is known what may have been sent.

Nothing that a server or the library says is logged or kept but a number: it may repeat an address.
"""

import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from wanderbuch.agents.issuer.smtp_config import SmtpConfig, SmtpSecurity
from wanderbuch.errors import WanderbuchError

if TYPE_CHECKING:
    from aiosmtplib import SMTP, SMTPResponseException

_TIMEOUT_S: Final = 20.0
_AFTER_DOT_S: Final = 600.0  # RFC 5321 §4.5.3.2.6: a server may deliver, or scan, before it answers
_FOR_GOOD: Final = 500
_ABOUT_ADDRESS: Final = re.compile(r"[45]\.1\.[1-6](?![0-9])")  # RFC 3463 §3.2


class MailServerError(WanderbuchError):
    """The mail server cannot be reached, or takes nothing from us.

    Args:
        reply: the server's number, 0 where it gave none.
    """

    code = "exchange.mail_server"

    def __init__(self, what: str, reply: int = 0) -> None:
        super().__init__(f"the mail server {what}", hint="look at the table [issuer.smtp], and at the server's own log")
        self.reply = reply


class Outcome(Enum):
    """What has become of one e-mail."""

    SENT = "sent"
    LATER = "later"  # it was not taken, and may be another time
    REFUSED = "refused"  # it will never be
    UNKNOWN = "unknown"  # the talk was cut where the server may have had it


@dataclass(frozen=True, slots=True)
class Given:
    """What a server did with one e-mail.

    Args:
        outcome: what has become of it.
        reply: the server's number; 0 where it gave none.
        is_about_address: whether it says that the address is why; without it a refusal may be about us.
    """

    outcome: Outcome
    reply: int
    is_about_address: bool = False


class MailTalk:
    """A talk that is open: e-mails one after the other."""

    def __init__(self, client: "SMTP", sender: str) -> None:
        self._client = client
        self._sender = sender

    async def give(self, to: str, message: bytes) -> Given:
        """Give an e-mail to the server.

        Raises:
            MailServerError: it takes nothing from this sender, or the talk was cut before it had anything.
        """
        from aiosmtplib import SMTPException, SMTPResponseException

        try:
            await self._client.rset()
            await self._client.mail(self._sender)
        except SMTPResponseException as err:
            raise MailServerError("refuses the sender", err.code) from None
        except (SMTPException, OSError):
            raise MailServerError("ended the talk") from None
        try:
            await self._client.rcpt(to)
        except SMTPResponseException as err:
            return _refused(err)
        except (SMTPException, OSError):
            raise MailServerError("ended the talk") from None
        try:
            reply = await self._client.data(message, timeout=_AFTER_DOT_S)
        except SMTPResponseException as err:
            if err.code < 0:  # the library's own word for a talk that was cut
                return Given(Outcome.UNKNOWN, 0)
            return _refused(err)
        except (SMTPException, OSError):
            return Given(Outcome.UNKNOWN, 0)
        return Given(Outcome.SENT, reply.code)


@asynccontextmanager
async def mail_talk(config: SmtpConfig) -> AsyncIterator[MailTalk]:
    """Open a talk with the mail server, and end it.

    Raises:
        MailServerError: it cannot be reached, has no TLS or a certificate that does not count, or refuses the password.
    """
    from aiosmtplib import SMTP, SMTPException, SMTPResponseException

    client = SMTP(
        hostname=config.host,
        port=config.port,
        use_tls=config.security is SmtpSecurity.TLS,
        start_tls=config.security is SmtpSecurity.STARTTLS,
        tls_context=None if config.security is SmtpSecurity.NONE else _context(config),
        timeout=_TIMEOUT_S,
        local_hostname=config.sender.rpartition("@")[2],
    )
    try:
        await client.connect()
        if config.user is not None and config.password_file is not None:
            await client.login(config.user, config.password_file.read_text().strip())
    except SMTPResponseException as err:
        client.close()
        raise MailServerError("refuses us", err.code) from None
    except (SMTPException, OSError, ValueError) as err:
        client.close()
        raise MailServerError(f"cannot be talked to ({type(err).__name__})") from None
    try:
        yield MailTalk(client, config.sender)
    finally:
        client.close()


def _refused(err: "SMTPResponseException") -> Given:
    outcome = Outcome.REFUSED if err.code >= _FOR_GOOD else Outcome.LATER
    return Given(outcome, err.code, is_about_address=_ABOUT_ADDRESS.match(err.message) is not None)


def _context(config: SmtpConfig) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=config.ca_file)
    except (OSError, ssl.SSLError) as err:
        raise MailServerError(
            f"has no certificates that count: ca_file cannot be read ({type(err).__name__})"
        ) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
