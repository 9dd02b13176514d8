"""The authority's TRQP 2.0 endpoint (Trust over IP, Public Review 02, HTTPS binding) on its public site.

A request is answered in these steps, the cheapest first, and never with a failure that its content could cause:

1. It has a request id: its own `X-Request-ID` if that is short and plain, else a new one.
2. Its address has not asked too often (429).
3. It carries the token, if there is one (401).
4. It is JSON, uncompressed, small, and there in time (415, 413, 408).
5. The authority holds a file of its own (503).
6. `governance.trqp` answers it (400, 404).

Nothing of a question is logged: who asks about whom is nobody's business, not even the operator's.
"""

import hashlib
import hmac
import json
import logging
import re
import time
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final

import msgspec
from aiohttp import hdrs, web
from multidict import CIMultiDict, istr
from pydantic import SecretStr

from wanderbuch.agents.authority.trqp_cache import AnswerCache, KeptAnswer
from wanderbuch.agents.authority.trqp_config import TrqpConfig
from wanderbuch.agents.authority.trqp_description import describe_trqp
from wanderbuch.agents.runtime.bodies import body_at_hand, read_body
from wanderbuch.agents.runtime.gate.rate_limit import RateLimit
from wanderbuch.agents.runtime.problems import (
    MalformedError,
    NotReadyError,
    TooLargeError,
    TooSlowError,
    UnauthorizedError,
    problem_response,
)
from wanderbuch.agents.site.caching import tagged
from wanderbuch.errors import WanderbuchError
from wanderbuch.governance.deciding.trqp import (
    MAX_QUERY_BYTES,
    Answered,
    AuthorizationAnswer,
    RecognitionAnswer,
    answer_authorization,
    answer_recognition,
    parse_query,
)
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot

_LOG = logging.getLogger(__name__)
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._~-]{1,64}")
_REQUEST_ID_HEADER: Final = istr("X-Request-ID")
_JSON: Final = re.compile(r"application/json\s*(?:;\s*charset=\"?utf-8\"?\s*)?", re.IGNORECASE)
_BODY_DEADLINE_S: Final = 10.0
_NOT_READY_S: Final = 5
_HEADERS: Final = {"X-Content-Type-Options": "nosniff", "Access-Control-Allow-Origin": "*"}
_PREFLIGHT: Final = {
    **_HEADERS,
    "Access-Control-Allow-Methods": "POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, X-Request-ID",
    "Access-Control-Max-Age": "86400",
}

type _Answer = Answered[AuthorizationAnswer] | Answered[RecognitionAnswer]


class TooManyError(WanderbuchError):
    """This address has asked too often."""

    code = "too-many"

    def __init__(self, wait_s: int) -> None:
        super().__init__("too many queries from this address", hint=f"ask again in {wait_s} s")
        self.wait_s = wait_s


class WrongMediaTypeError(WanderbuchError):
    """The body is not plain JSON."""

    code = "wrong-media-type"


class WrongMethodError(WanderbuchError):
    """Questions are sent with POST."""

    code = "wrong-method"


class TrqpEndpoint:
    """Answers TRQP questions from the file that the authority holds.

    Args:
        authority: who answers.
        base: path of the endpoint on its host, such as "/trqp/2.0".
        snapshot: the file in force, None while there is none; called for each question, so it must be quick.
        config: limits.
        token: what callers must send, or None.
        clock: the instant now, aware UTC.
        first: asked where `snapshot` has nothing yet; may wait.
    """

    def __init__(
        self,
        *,
        authority: Did,
        base: str,
        snapshot: Callable[[], GovernanceSnapshot | None],
        config: TrqpConfig,
        token: SecretStr | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        first: Callable[[], Awaitable[GovernanceSnapshot | None]] | None = None,
    ) -> None:
        self._authority = authority
        self._snapshot = snapshot
        self._first = first or _nothing
        self._version = config.version
        self._base = base
        self._limit = RateLimit(per_second=config.requests_per_second, burst=config.burst)
        self._token = None if token is None else token.get_secret_value().encode()
        self._clock = clock
        self._description: bytes | None = None
        self._answers = AnswerCache()
        self._scope = "public" if token is None else "private"
        self._headers = CIMultiDict({**_HEADERS, "Content-Type": "application/json"})
        self._encode = msgspec.json.Encoder().encode

    async def authorization(self, request: web.Request) -> web.Response:
        """Answer `POST /authorization`."""
        return await self._respond(request, answer_authorization)

    async def recognition(self, request: web.Request) -> web.Response:
        """Answer `POST /recognition`."""
        return await self._respond(request, answer_recognition)

    async def description(self, request: web.Request) -> web.Response:
        """Answer `GET /openapi.json`."""
        headers = {**_HEADERS, "Cache-Control": "public, max-age=300"}
        return tagged(request, self._described(), content_type="application/json", headers=headers)

    async def preflight(self, request: web.Request) -> web.Response:
        """Let programs in browsers ask."""
        return web.Response(status=204, headers=_PREFLIGHT)

    async def not_allowed(self, request: web.Request) -> web.Response:
        """Refuse every other method."""
        response = _problem(WrongMethodError("expected POST, found another method"), _new_id())
        response.headers["Allow"] = "POST, OPTIONS"
        return response

    async def _respond(self, request: web.Request, answer: Callable[..., _Answer]) -> web.Response:
        sent = request.headers.get(_REQUEST_ID_HEADER)
        request_id = sent if sent is not None and _REQUEST_ID.fullmatch(sent) else _new_id()  # 1
        try:
            if wait_s := self._limit.wait_s(request.remote, time.monotonic()):  # 2
                raise TooManyError(wait_s)
            self._admit(request)  # 3
            _check_media_type(request)  # 4
            body = body_at_hand(request, max_bytes=MAX_QUERY_BYTES)
            if body is None:
                body = await read_body(request, deadline_s=_BODY_DEADLINE_S, max_bytes=MAX_QUERY_BYTES)
            at = self._clock()
            kept = await self._kept(answer, body, at)  # 5, 6
        except WanderbuchError as err:
            return _problem(err, request_id)
        except web.HTTPException as err:
            return _problem(_why_no_body(err), request_id)
        headers = self._headers.copy()
        seconds = kept.seconds_left(at)
        headers[hdrs.CACHE_CONTROL] = f"{self._scope}, max-age={seconds}" if seconds else "no-store"
        headers[hdrs.ETAG] = kept.tag
        headers[_REQUEST_ID_HEADER] = request_id
        return web.Response(body=kept.body, headers=headers)

    async def told(self, body: bytes, *, of_recognition: bool) -> bytes:
        """Return the answer to a question that came another way than by HTTPS, as JSON.

        Args:
            body: the question, as it would be posted.
            of_recognition: whether it is about recognition, not authorization.

        Raises:
            NotReadyError: the authority holds no governance file yet.
            UnauthorizedError: only who has the token may ask, and that goes with HTTPS.
            WanderbuchError: it is no question.
        """
        if self._token is not None:
            raise UnauthorizedError("questions here need a token, so they are asked by HTTPS")
        answer = answer_recognition if of_recognition else answer_authorization
        return (await self._kept(answer, body, self._clock())).body

    async def _kept(self, answer: Callable[..., _Answer], body: bytes, at: datetime) -> KeptAnswer:
        snapshot = self._snapshot() or await self._first()
        if snapshot is None:
            raise NotReadyError("the authority holds no governance file yet", hint="try again later")
        kept = self._answers.kept(answer, body, snapshot, at)
        if kept is None:
            kept = self._work_out(answer, body, snapshot, at)
            self._answers.keep(answer, body, snapshot, kept)
        return kept

    def _work_out(
        self, answer: Callable[..., _Answer], body: bytes, snapshot: GovernanceSnapshot, at: datetime
    ) -> KeptAnswer:
        answered = answer(parse_query(body), snapshot, at=at)
        encoded = self._encode(answered.answer)
        return KeptAnswer(encoded, _tag(encoded), answered.keep_until)

    def _described(self) -> bytes:
        if self._description is None:
            described = describe_trqp(
                authority=self._authority,
                base=self._base,
                version=self._version,
                with_token=self._token is not None,
            )
            self._description = json.dumps(described, indent=1).encode()
        return self._description

    def _admit(self, request: web.Request) -> None:
        if self._token is None:
            return
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(errors="replace"), self._token):
            raise UnauthorizedError("expected the header Authorization: Bearer <token>")


async def _nothing() -> None:
    return None


def _check_media_type(request: web.Request) -> None:
    content_type = request.headers.get(hdrs.CONTENT_TYPE, "")
    if content_type != "application/json" and not _JSON.fullmatch(content_type):
        raise WrongMediaTypeError("expected the header Content-Type: application/json")
    if request.headers.get(hdrs.CONTENT_ENCODING, "identity").lower() != "identity":
        raise WrongMediaTypeError("expected a body without compression")


def _why_no_body(err: web.HTTPException) -> WanderbuchError:
    """Return why the body of a request was not read, in our own words."""
    match err:
        case web.HTTPRequestEntityTooLarge():
            return TooLargeError(f"expected a query of at most {MAX_QUERY_BYTES} bytes, found a larger one")
        case web.HTTPRequestTimeout():
            return TooSlowError(f"the body did not arrive within {_BODY_DEADLINE_S:g} s")
        case _:
            return MalformedError("expected a query, found one that broke off")


def _problem(err: WanderbuchError, request_id: str) -> web.Response:
    response = problem_response(err)
    response.headers.update({**_HEADERS, "Cache-Control": "no-store", "X-Request-ID": request_id})
    if isinstance(err, TooManyError):
        response.headers["Retry-After"] = str(err.wait_s)
    elif response.status == 503:
        response.headers["Retry-After"] = str(_NOT_READY_S)
    return response


def _new_id() -> str:
    return str(uuid.uuid4())


def _tag(body: bytes) -> str:
    return f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
