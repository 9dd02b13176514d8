"""A real mail server on loopback, with TLS and a password, that does with each address what a test tells it to."""

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from tests.unit.http.tls_host import PrivateAuthority

from wanderbuch.agents.issuer.smtp_config import SmtpConfig

CUT = "cut"


@dataclass
class MailHost:
    """What the server does and has.

    Args:
        port: where it listens.
        does: address -> its reply to RCPT, or CUT: it drops the talk once it has the e-mail.
        got: what it has taken, with the address.
    """

    port: int = 0
    folder: Path = Path()
    does: dict[str, str] = field(default_factory=dict)
    got: list[tuple[str, EmailMessage]] = field(default_factory=list)

    def config(self, **changed: Any) -> SmtpConfig:
        password = self.folder / "password"
        password.write_text("open sesame\n")
        told = {"host": "127.0.0.1", "port": self.port, "ca_file": self.folder / "ca.crt", "user": "centre",
                "password_file": password, "sender": "slips@centre.example", "a_minute": 600}  # fmt: skip
        return SmtpConfig.model_validate(told | changed)

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        reply = self.does.get(address, "")
        if reply not in ("", CUT):
            return f"{reply} not {address}"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        (to,) = envelope.rcpt_tos
        assert isinstance(envelope.content, bytes)
        self.got.append((to, email.message_from_bytes(envelope.content, policy=email.policy.default)))
        if self.does.get(to) == CUT:
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
            await asyncio.sleep(0)
        return "250 OK"


@asynccontextmanager
async def mail_host(folder: Path, *, has_tls: bool = True) -> AsyncIterator[MailHost]:
    """Run the server on a free port."""
    host = MailHost(folder=folder)
    context = PrivateAuthority(folder).server_context("127.0.0.1")

    def authenticated(*told: Any) -> AuthResult:
        login = told[-1]
        is_right = isinstance(login, LoginPassword) and login.password == b"open sesame"
        return AuthResult(success=is_right, handled=False)  # the server says so itself

    def talk() -> SMTP:
        if not has_tls:
            return SMTP(host, hostname="mail.test")
        return SMTP(
            host, hostname="mail.test", tls_context=context, require_starttls=True, auth_required=True,
            authenticator=authenticated,
        )  # fmt: skip

    server = await asyncio.get_running_loop().create_server(talk, "127.0.0.1", 0)
    host.port = server.sockets[0].getsockname()[1]
    try:
        yield host
    finally:
        server.close()
