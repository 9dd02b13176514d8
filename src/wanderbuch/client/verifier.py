"""The client itself.

What makes something is sent with an `Idempotency-Key`, and sent again after a pause where there was no answer: so it is
made once. What only reads is sent again, too. Nothing else is.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import Any, Final, Self
from uuid import uuid4

import aiohttp
from pydantic import BaseModel, ValidationError

from wanderbuch.client.errors import ApiError, UnreachableError
from wanderbuch.client.models import Erasure, Event, Receipt, Request, Summary
from wanderbuch.client.questions import Question
from wanderbuch.client.streaming import MissedEventsError, read_events
from wanderbuch.strict_json import StrictJsonError, read_strict_json

_ANSWER_S: Final = 60.0
_SILENCE_S: Final = 45.0  # a sign of life comes every 15 s
_PAUSES_S: Final = (0.5, 2.0, 5.0)
_AGAIN_S: Final = 1.0
_MAX_BYTES: Final = 8 * 1024 * 1024
_MAX_DEPTH: Final = 64
_PAGE: Final = 100


class VerifierClient:
    """Asks and reads as one tenant of a verifier's agent.

    Args:
        url: of the agent's app site, such as "https://desk.example.org".
        token: the operator's, or the tenant's own.
        tenant: its id; None: the default one.
        session: keeps the connections, and stays open afterwards; None: one of its own.
    """

    def __init__(
        self, url: str, token: str, *, tenant: str | None = None, session: aiohttp.ClientSession | None = None
    ) -> None:
        place = "/v1" if tenant is None else f"/v1/t/{tenant}"
        self._base = url.rstrip("/") + place
        self._headers = {"Authorization": f"Bearer {token}"}
        self._given = session
        self._own: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Return the client; at the end its connections are closed."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections of its own."""
        session, self._own = self._own, None
        if session is not None:
            await session.close()

    async def ask(self, question: Question, *, idempotency_key: str | None = None) -> Request:
        """Put a question.

        Args:
            question: what must be proven; see docs/asking.md.
            idempotency_key: one for this question, where it must be put once even if this program is started again;
                by default a fresh one.

        Raises:
            ApiError: it is refused; `problem_code` says why.
            UnreachableError: no answer came; with the same key it can be asked again.
        """
        headers = {"Idempotency-Key": idempotency_key or str(uuid4())}
        return _request(await self._call("POST", "/verifier/questions", json=question, headers=headers))

    async def request(self, request_id: str) -> Request:
        """Return a request as it stands now; errors as with `ask`."""
        return _request(await self._call("GET", f"/verifier/requests/{request_id}"))

    async def requests(self, *, state: str | None = None) -> AsyncIterator[Summary]:
        """Yield the requests, oldest first, page by page; errors as with `ask`."""
        query = {"limit": str(_PAGE)} | ({} if state is None else {"state": state})
        async for item in self._listed("/verifier/requests", query):
            yield _read(Summary, item)

    async def applicants(self, link_id: str) -> AsyncIterator[Summary]:
        """Yield the applicants of a link, in the order in which they came; errors as with `ask`."""
        async for item in self._listed(f"/verifier/links/{link_id}/applicants", {"limit": str(_PAGE)}):
            yield _read(Summary, item)

    async def cancel(self, request_id: str) -> Request:
        """Take a question back that nobody has answered; errors as with `ask`."""
        return _request(await self._call("POST", f"/verifier/requests/{request_id}/cancel"))

    async def receipt(self, request_id: str) -> Receipt:
        """Return the signed receipt of a decision; errors as with `ask`."""
        return _read(Receipt, await self._call("GET", f"/verifier/requests/{request_id}/receipt"))

    async def erasure(self, request_id: str) -> Erasure:
        """Return what was erased of an answer; errors as with `ask`."""
        return _read(Erasure, await self._call("GET", f"/verifier/requests/{request_id}/erasure"))

    async def ended(self, request_id: str, *, timeout_s: float | None = None) -> Request:
        """Wait until a request is over, and return it; nothing is asked meanwhile.

        Raises:
            TimeoutError: it is still open.
            ApiError: there is no such request, or the token does not count.
        """
        async with asyncio.timeout(timeout_s):
            while True:
                try:
                    # The stream is there before the request is looked at: what happens between is not missed.
                    async for event in self.events():
                        if event is None or event.subject == request_id:
                            request = await self.request(request_id)
                            if request.is_over:
                                return request
                except UnreachableError:
                    await asyncio.sleep(_AGAIN_S)

    async def events(self, *, after: int | None = None) -> AsyncIterator[Event | None]:
        """Yield the events of the tenant as they happen; None at the beginning, and as a sign of life.

        It ends when the agent ends it, every hour at the latest: begin again with `after`, the last number you have.

        Args:
            after: the number of an event: those after it come first. None: what happens from now on.

        Raises:
            ApiError: the token does not count.
            UnreachableError: nothing comes any more; `MissedEventsError` where the log is shorter than the pause was.
        """
        headers = {**self._headers, "Accept": "text/event-stream"}
        query = {} if after is None else {"after": str(after)}
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_ANSWER_S, sock_read=_SILENCE_S)
        try:
            async with self._session.get(
                f"{self._base}/events", headers=headers, params=query, timeout=timeout, allow_redirects=False
            ) as response:
                if response.status != 200:
                    raise _problem(response.status, await response.content.read(_MAX_BYTES))
                yield None
                async for event in read_events(response.content):
                    yield event
        except (aiohttp.ClientError, TimeoutError, ValueError) as err:  # ValueError: a line beyond all bounds
            raise UnreachableError("the stream of events broke off", hint="begin again after the last number") from err

    @property
    def _session(self) -> aiohttp.ClientSession:
        if self._given is not None:
            return self._given
        if self._own is None:
            self._own = aiohttp.ClientSession(trust_env=True)
        return self._own

    async def _listed(self, path: str, query: Mapping[str, str]) -> AsyncIterator[Any]:
        cursor: str | None = None
        while True:
            page = await self._call("GET", path, params={**query, **({} if cursor is None else {"cursor": cursor})})
            for item in page["items"]:
                yield item
            if (cursor := page["next_cursor"]) is None:
                return

    async def _call(self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **options: Any) -> Any:
        """Return the JSON answer of a call; sent again where that makes nothing twice."""
        is_safe = method == "GET" or bool(headers)
        for pause_s in (*(_PAUSES_S if is_safe else ()), None):
            try:
                return await self._once(method, path, headers={**self._headers, **(headers or {})}, **options)
            except (UnreachableError, ApiError) as err:
                if pause_s is None or (isinstance(err, ApiError) and not err.may_pass):
                    raise
                await asyncio.sleep(pause_s)
        raise AssertionError  # the last pause is None

    async def _once(self, method: str, path: str, **options: Any) -> Any:
        timeout = aiohttp.ClientTimeout(total=_ANSWER_S)
        try:
            async with self._session.request(
                method, f"{self._base}{path}", timeout=timeout, allow_redirects=False, **options
            ) as response:
                body = await response.content.read(_MAX_BYTES)
                while len(body) < _MAX_BYTES and (more := await response.content.read(_MAX_BYTES - len(body))):
                    body += more
                status = response.status
        except (aiohttp.ClientError, TimeoutError) as err:
            raise UnreachableError(f"no answer came: {type(err).__name__}") from err
        if not 200 <= status < 300:
            raise _problem(status, body)
        return _json(body)


def _problem(status: int, body: bytes) -> ApiError:
    try:
        problem = _json(body)
    except UnreachableError:
        problem = {}
    return ApiError(status, problem if isinstance(problem, dict) else {})


def _json(body: bytes) -> Any:
    try:
        return read_strict_json(body, max_bytes=_MAX_BYTES, max_depth=_MAX_DEPTH, fractions=True)
    except StrictJsonError as err:
        raise UnreachableError("the answer is not JSON", hint="is this the address of an agent's app site?") from err


def _request(answer: Any) -> Request:
    return _read(Request, {**answer, "raw": answer} if isinstance(answer, dict) else answer)


def _read[M: BaseModel](kind: type[M], answer: Any) -> M:
    try:
        return kind.model_validate(answer)
    except ValidationError as err:
        raise UnreachableError("the answer is none that this client knows", hint="is it of the same version?") from err


__all__ = ["MissedEventsError", "VerifierClient"]
