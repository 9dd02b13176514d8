"""Who is signed in at the desk.

1. An official signs in with their token; the browser gets a random session id in a cookie that scripts can not read and
   other sites can not send (`HttpOnly`, `Secure`, `SameSite=Strict`, `__Host-`).
2. The store keeps a hash of that id only, with the official and a hash of the token they used: who was removed, or was
   given a new token, is signed out everywhere at once.
3. A session ends after `IDLE` without a request and after `LONGEST` in any case.
4. Every form carries a token made of the session id, and a browser that says a form comes from another site is refused.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Final

from aiohttp import web

from wanderbuch.agents.authority.officials import Official, Officials
from wanderbuch.agents.runtime.problems import ForbiddenError
from wanderbuch.store.records import NotFoundError, Record, RecordStore

COOKIE: Final = "__Host-desk"
IDLE: Final = timedelta(minutes=20)
LONGEST: Final = timedelta(hours=9)
_WRITE_AGAIN: Final = timedelta(minutes=1)  # a request within a minute of the last is not written down


class DeskSession(Record):
    """A session in the wallet store; its id is the hash of what the cookie holds."""

    category: ClassVar[str] = "wanderbuch.authority-desk-session"

    official_id: str
    token_hash: str
    seen_at: datetime

    def due_at(self) -> datetime:
        """Return when it ends."""
        return min(self.seen_at + IDLE, self.created_at + LONGEST)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """An official at the desk, for one request.

    Args:
        form_token: what every form must send back.
    """

    official: Official
    form_token: str


class Sessions:
    """The sessions of one authority's desk.

    Args:
        records: where they are kept.
        officials: who may sign in.
        clock: the instant now, aware UTC.
    """

    def __init__(
        self, records: RecordStore[DeskSession], officials: Officials, *, clock: Callable[[], datetime]
    ) -> None:
        self._records = records
        self._officials = officials
        self._clock = clock

    async def sign_in(self, token: str) -> str | None:
        """Return the cookie's value of a new session, None if nobody has this token."""
        official = await self._officials.by_token(token.strip())
        if official is None or official.token_hash is None:
            return None
        await self._remove_ended()
        value = secrets.token_urlsafe(32)
        now = self._clock()
        await self._records.insert(
            DeskSession(
                id=_key(value), official_id=official.id, token_hash=official.token_hash, created_at=now, seen_at=now
            )
        )
        return value

    async def who(self, request: web.Request) -> SignedIn | None:
        """Return who sends this request, None if nobody is signed in (any more)."""
        value = request.cookies.get(COOKIE, "")
        if not value or len(value) > 100 or not value.isascii():
            return None
        session = await self._records.get_or_none(_key(value))
        if session is None:
            return None
        now = self._clock()
        try:
            official = await self._officials.get(session.official_id)
        except NotFoundError:
            official = None
        if session.due_at() <= now or official is None or official.token_hash != session.token_hash:
            await self._records.remove(session.id)
            return None
        if now - session.seen_at >= _WRITE_AGAIN:
            await self._records.change(session.id, lambda held: held.model_copy(update={"seen_at": now}))
        return SignedIn(official, _form_token(value))

    async def sign_out(self, request: web.Request) -> None:
        """End the session of this request."""
        if (value := request.cookies.get(COOKIE)) and value.isascii():
            await self._records.remove(_key(value))

    async def _remove_ended(self) -> None:
        for session in await self._records.due(self._clock()):
            await self._records.remove(session.id)


def set_cookie(response: web.StreamResponse, value: str) -> None:
    """Give the browser its session."""
    response.set_cookie(COOKIE, value, path="/", httponly=True, secure=True, samesite="Strict")


def drop_cookie(response: web.StreamResponse) -> None:
    """Take the session from the browser."""
    response.del_cookie(COOKIE, path="/", httponly=True, secure=True, samesite="Strict")


def refuse_other_sites(request: web.Request) -> None:
    """Go on only if the browser does not say that a form comes from another site.

    Raises:
        ForbiddenError: it does.
    """
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    origin = request.headers.get("Origin")
    if site not in {"same-origin", "none"} or (origin is not None and origin.partition("://")[2] != request.host):
        raise ForbiddenError("this form was sent from another site")


def refuse_forged(signed_in: SignedIn, given: object) -> None:
    """Go on only if a form carries the token of the session that sends it.

    Raises:
        ForbiddenError: it does not.
    """
    if not isinstance(given, str) or not hmac.compare_digest(given.encode(), signed_in.form_token.encode()):
        raise ForbiddenError("this form does not belong to your session", hint="open the page again, then repeat it")


def _key(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


def _form_token(value: str) -> str:
    return hashlib.sha256(f"form {value}".encode()).hexdigest()
