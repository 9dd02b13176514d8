"""Who is signed in.

1. A person signs in by some means (a token, a passkey); the browser gets a random session id in a cookie that scripts
   cannot read and other sites cannot send (`HttpOnly`, `Secure`, `SameSite=Strict`, `__Host-`).
2. The store keeps a hash of that id only, with the person and the means: who was removed or blocked, or whose means was
   taken away or replaced, is signed out everywhere at once, and stays so when they are let in again.
3. A session ends after `IDLE` without a request and after `LONGEST` in any case.
4. A person has a few sessions at most, a tenant many: the one that would end first gives way to a new one, so that
   nobody is locked out, and so that who signs in again and again fills no store.
5. Every form carries a token made of the session id (`forged`).
"""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Final, Protocol

from aiohttp import web

from wanderbuch.agents.site.forged import form_token
from wanderbuch.agents.site.streams import Source, Streams
from wanderbuch.store.records import NotFoundError, Record, RecordStore

IDLE: Final = timedelta(minutes=20)
LONGEST: Final = timedelta(hours=9)
A_PERSON: Final = 12
A_TENANT: Final = 2000
_WRITE_AGAIN: Final = timedelta(minutes=1)  # a request within a minute of the last is not written down


class Person(Protocol):
    """Somebody who may sign in."""

    @property
    def id(self) -> str:
        """A stable name."""
        ...


class People[P: Person](Protocol):
    """Those who may sign in at one site of one tenant."""

    async def by_token(self, token: str) -> tuple[P, str] | None:
        """Return whose token this is, and the means that it is; None if nobody's."""
        ...

    async def get(self, person_id: str, /) -> P:
        """Return a person by id.

        Raises:
            NotFoundError: there is no such person.
        """
        ...

    async def stands(self, person: P, means: str, /, *, since: datetime) -> bool:
        """Tell whether a session that this person began by this means, then, may go on."""
        ...


class SiteSession(Record):
    """A session in the wallet store; its id is the hash of what the cookie holds. A role gives it a category."""

    tag_names: ClassVar[tuple[str, ...]] = ("person_id",)

    person_id: str
    means: str
    seen_at: datetime

    def due_at(self) -> datetime:
        """Return when it ends."""
        return min(self.seen_at + IDLE, self.created_at + LONGEST)


@dataclass(frozen=True, slots=True)
class SignedIn[P: Person]:
    """Who is signed in, for one request.

    Args:
        form_token: what every form must send back.
        means: by which they signed in.
    """

    person: P
    form_token: str
    means: str = ""


class Sessions[S: SiteSession, P: Person]:
    """The sessions of one site of one tenant.

    Args:
        kind: of the records.
        records: where they are kept.
        people: who may sign in.
        cookie: its name; it begins with `__Host-`.
        clock: the instant now, aware UTC.
        on_use: called when somebody who is signed in has done something.

    `streams` are those of the people who are signed in.
    """

    def __init__(
        self,
        kind: type[S],
        records: RecordStore[S],
        people: People[P],
        *,
        cookie: str,
        clock: Callable[[], datetime],
        on_use: Callable[[], None] = lambda: None,
    ) -> None:
        self._on_use = on_use
        self._kind = kind
        self._records = records
        self._people = people
        self._cookie = cookie
        self._clock = clock
        self.streams = Streams()

    @property
    def cookie(self) -> str:
        """The name of the cookie."""
        return self._cookie

    async def sign_in(self, token: str) -> str | None:
        """Return the cookie's value of a new session, None if nobody has this token."""
        signed_in = await self._people.by_token(token.strip())
        return None if signed_in is None else await self.begin(*signed_in)

    async def begin(self, person: P, means: str) -> str:
        """Return the cookie's value of a new session of somebody who has proved who they are by this means."""
        await self._remove_ended()
        await self._make_room(person)
        value = secrets.token_urlsafe(32)
        now = self._clock()
        await self._records.insert(
            self._kind(id=_key(value), person_id=person.id, means=means, created_at=now, seen_at=now)
        )
        return value

    async def who(self, request: web.Request, *, is_busy: bool = True) -> SignedIn[P] | None:
        """Return who sends this request, None if nobody is signed in (any more).

        Args:
            request: of a browser.
            is_busy: whether the person did something just now, which keeps the session alive.
        """
        value = request.cookies.get(self._cookie, "")
        if not value or len(value) > 100 or not value.isascii():
            return None
        session = await self._records.get_or_none(_key(value))
        if session is None:
            return None
        now = self._clock()
        try:
            person = await self._people.get(session.person_id)
        except NotFoundError:
            person = None
        began = session.created_at
        if (
            session.due_at() <= now
            or person is None
            or not await self._people.stands(person, session.means, since=began)
        ):
            await self._records.remove(session.id)
            return None
        if is_busy and now - session.seen_at >= _WRITE_AGAIN:
            try:
                await self._records.change(session.id, lambda session: session.model_copy(update={"seen_at": now}))
            except NotFoundError:  # it ended just now
                return None
        if is_busy:
            self._on_use()
        return SignedIn(person, form_token(value), session.means)

    async def stream(
        self,
        request: web.Request,
        person: P,
        source: Source,
        *,
        still_may: Callable[[P], bool] | None = None,
    ) -> web.StreamResponse:
        """Answer somebody who is signed in with a stream that ends with the session.

        Args:
            request: of the browser.
            person: who is signed in.
            source: gives the messages.
            still_may: whether somebody whose roles may have changed may go on reading; by default anybody.

        Raises:
            TooManyStreamsError: there are too many already.
        """

        async def is_still() -> bool:
            signed_in = await self.who(request, is_busy=False)
            return signed_in is not None and (still_may is None or still_may(signed_in.person))

        session = _key(request.cookies.get(self._cookie, ""))
        return await self.streams.serve(request, session, source, is_still, person=person.id)

    async def sign_out(self, request: web.Request) -> None:
        """End the session of this request."""
        if (value := request.cookies.get(self._cookie)) and value.isascii():
            await self._end(_key(value))

    async def _end(self, session_id: str) -> None:
        self.streams.end(session_id)
        await self._records.remove(session_id)

    async def _remove_ended(self) -> None:
        for session in await self._records.due(self._clock()):
            await self._records.remove(session.id)

    async def _make_room(self, person: P) -> None:
        """End what would be one too many beside a new session, of this person and of all."""
        own = sorted(await self._records.find(person_id=person.id), key=lambda session: session.due_at())
        for session in own[: max(0, len(own) - A_PERSON + 1)]:
            await self._end(session.id)
        if (too_many := await self._records.count() - A_TENANT + 1) > 0:
            for session in await self._records.due(self._clock() + LONGEST, limit=too_many):
                await self._end(session.id)

    def set_cookie(self, response: web.StreamResponse, value: str) -> None:
        """Give the browser its session."""
        response.set_cookie(self._cookie, value, path="/", httponly=True, secure=True, samesite="Strict")

    def drop_cookie(self, response: web.StreamResponse) -> None:
        """Take the session from the browser."""
        response.del_cookie(self._cookie, path="/", httponly=True, secure=True, samesite="Strict")


def _key(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()
