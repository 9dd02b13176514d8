"""`egress/1.0`: a wallet in a page has requests to public https addresses sent by its mediator.

Whom it asks then sees the mediator's network address, and not the wallet's; the mediator sees whom it asks, and, TLS
ending here, what. Off unless the configuration switches it on.

1. A request is GET or POST, to a host name, https, port 443. Private addresses are refused where the connection is made
   (`plugins/http/addresses`), redirects are shown and not followed, bodies and time are bounded.
2. The answer goes back over the web socket that the request came over, in any order; if that ends, so does the request.
   Over https alone there is no egress: nobody is kept waiting there for a host that is slow.
3. A wallet has a few requests at once, so many a minute, so many bytes a day (an answer that fails counts as the
   largest one). All wallets have a bounded number at once, those of one network a quarter of it; and where half of the
   places are taken, each wallet has one.
4. Nothing of a request is written: its envelope is never kept (`Handler.is_kept`), and no log line or error names a
   destination. What is remembered of a wallet is how much it asked for, in memory.
5. What a GET brought is sent in few bytes where the wallet asks for that: deflated, or not at all if it is what the
   wallet says that it has. The host sees nothing of either: an ETag of its own making would tell it who comes again.
   The answer to a POST is for one wallet alone, and stays as it is; what is posted may be told as text, which is
   shorter than base64 (`docs/adr/0118-few-bytes-by-the-relay.md`).
6. Who speaks in compact envelopes sends and gets bodies as what they are, behind the message (`docs/adr/0120`).
"""

import asyncio
import base64
import binascii
import hashlib
import logging
import re
import time
import zlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

from acapy_agent.core.profile import Profile
from aries_askar import Key
from cachetools import LRUCache

from wanderbuch.agents.mediator.config import MediatorConfig
from wanderbuch.agents.runtime.gate.rate_limit import RateLimit
from wanderbuch.agents.runtime.logs import log_event
from wanderbuch.plugins.exchange.channel import Channel
from wanderbuch.plugins.exchange.compact import expanded
from wanderbuch.plugins.exchange.incoming import Incoming, LastingRoute
from wanderbuch.plugins.exchange.key_ring import KeyRing
from wanderbuch.plugins.exchange.packing import PREFIX, pack
from wanderbuch.plugins.exchange.reports import problem_report
from wanderbuch.plugins.http.answers import Relayed
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.http.errors import (
    AddressRefusedError,
    DeadlineError,
    HttpError,
    NoConnectionError,
    TooLargeError,
)

_LOG = logging.getLogger(__name__)

FAMILY: Final = "egress/1.0"
TIMEOUT_S: Final = 20.0
_METHODS: Final = frozenset({"GET", "POST"})
_HEADERS: Final = frozenset({"accept", "content-type", "if-none-match", "range"})
_VALUE: Final = re.compile(r"[ -~]{1,256}")
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_DEFLATE: Final = "deflate"  # RFC 9110 §8.4.1.2: deflated data with a head and a checksum (RFC 1950)
_JWS_DEFLATE: Final = "jws+deflate"
_JWS_PARTS: Final = 3
_LONGEST_WORD: Final = 256
_MAX_URL: Final = 2_048
_MAX_BODY: Final = 1024 * 1024
_AT_ONCE: Final = 64
_OF_A_NETWORK: Final = _AT_ONCE // 4
_OF_A_WALLET: Final = 4
_MOST_WALLETS: Final = 100_000
_DAY_S: Final = 86_400.0


class EgressRefusedError(Exception):
    """A request is not sent.

    Args:
        code: for programs.
        text: for people; it names no destination.
    """

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


@dataclass(frozen=True, slots=True)
class EgressRequest:
    """What a wallet wants to have sent, checked as far as its text goes.

    Args:
        takes_deflate: whether the answer's body may come deflated (5).
        known: digest of the body that the wallet has: "sha256:" and hexadecimal digits.
        takes_jws: whether a JWS may come without its base64, deflated (5).
    """

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(repr=False)
    takes_deflate: bool = False
    known: str | None = field(default=None, repr=False)
    takes_jws: bool = False

    @classmethod
    def read(cls, members: Mapping[str, Any], tail: bytes = b"") -> "EgressRequest":
        """Return what a wallet says; `tail` is what follows it (6).

        Raises:
            EgressRefusedError: it is no request that is sent.
        """
        method, url, told = members.get("method"), members.get("url"), members.get("headers", {})
        if not isinstance(method, str) or method not in _METHODS or not isinstance(url, str) or len(url) > _MAX_URL:
            raise _malformed(f"expected GET or POST, and an address of at most {_MAX_URL} characters")
        if not isinstance(told, Mapping) or len(told) > len(_HEADERS):
            raise _malformed("expected an object of headers")
        headers = {name.lower(): value for name, value in told.items()}
        for name, value in headers.items():
            if name not in _HEADERS or not isinstance(value, str) or not _VALUE.fullmatch(value):
                raise _malformed(f"expected no headers but {', '.join(sorted(_HEADERS))}, each of ASCII characters")
        if method == "POST":
            if members.get("body_follows") is True:
                return cls(method, url, headers, _following(members, tail))
            return cls(method, url, headers, _body(members.get("body"), members.get("text")))
        return cls(
            method,
            url,
            headers,
            None,
            takes_deflate=_word(members, "accept_encoding") == _DEFLATE,
            known=_digest(_word(members, "known")),
            takes_jws=members.get("takes_jws") is True,
        )


class _Bytes:
    """How many bytes each wallet had sent and got lately; what is unused for longest is forgotten."""

    def __init__(self, a_day: int, timer: Callable[[], float]) -> None:
        self._a_day = a_day
        self._timer = timer
        self._spent: LRUCache[str, tuple[float, float]] = LRUCache(_MOST_WALLETS)  # when, how much

    def left(self, wallet: str) -> bool:
        """Return whether a wallet may have more."""
        return self._now(wallet) < self._a_day

    def spend(self, wallet: str, size: int) -> None:
        """Count bytes of a wallet."""
        self._spent[wallet] = (self._timer(), self._now(wallet) + size)

    def _now(self, wallet: str) -> float:
        at, spent = self._spent.get(wallet, (0.0, 0.0))
        return max(0.0, spent - (self._timer() - at) * self._a_day / _DAY_S)


class Egress:
    """The way out for one tenant's wallets.

    Args:
        profile: the tenant's.
        config: how much.
        timer: seconds that only grow.
    """

    def __init__(
        self, profile: Profile, config: MediatorConfig, *, timer: Callable[[], float] = time.monotonic
    ) -> None:
        self._timer = timer
        self._profile = profile
        self._config = config
        self._edge = profile.inject(HttpEdge)
        self._keys = profile.inject(KeyRing)
        self._paces = RateLimit(
            per_second=config.egress_a_minute / 60, burst=config.egress_a_minute, max_clients=_MOST_WALLETS
        )
        self._bytes = _Bytes(config.egress_mb_a_day * 1024 * 1024, timer)
        self._of_wallet: Counter[str] = Counter()
        self._of_network: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, wallet: str, channel: Channel, route: LastingRoute, incoming: Incoming) -> None:
        """Begin a request; its answer goes over the socket, whenever it comes (2).

        Raises:
            EgressRefusedError: it is not sent.
        """
        request = EgressRequest.read(incoming.members, incoming.tail)
        crowded = len(self._tasks) >= _AT_ONCE // 2
        is_full = len(self._tasks) >= _AT_ONCE or self._of_network[route.network] >= _OF_A_NETWORK
        if is_full or self._of_wallet[wallet] >= (1 if crowded else _OF_A_WALLET):
            raise EgressRefusedError("e.m.egress.busy", "too many requests are under way; try again when one has ended")
        if not self._bytes.left(wallet) or self._paces.wait_s(wallet, self._timer()):
            raise EgressRefusedError("e.m.egress.too-often", "too much was asked for lately; try again later")
        network = route.network
        self._of_wallet[wallet] += 1
        self._of_network[network] += 1
        thread_id = incoming.thread_id
        task = asyncio.create_task(self._run(wallet, channel, route, request, thread_id), name="mediator.egress")
        self._tasks.add(task)

        def cancel() -> None:
            task.cancel()

        leave = route.on_end(cancel)

        def ended(_: object) -> None:
            leave()
            self._tasks.discard(task)
            for counter, key in ((self._of_wallet, wallet), (self._of_network, network)):
                counter[key] -= 1
                if not counter[key]:
                    del counter[key]

        task.add_done_callback(ended)

    async def stop(self) -> None:
        """End all requests."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(
        self, wallet: str, channel: Channel, route: LastingRoute, request: EgressRequest, thread_id: str
    ) -> None:
        try:
            own = await self._keys.secret(self._profile, channel.own_key)
            try:
                answer = await self._answer(wallet, request)
                packed = await asyncio.to_thread(
                    _packed, answer, request, thread_id, to=channel.their_key, own=own, follows=route.is_compact
                )
            except Exception as err:  # noqa: BLE001 (its words may name the destination)
                log_event(_LOG, logging.ERROR, "mediator.egress_failed", reason=type(err).__name__)
                packed = pack(refusal(thread_id, _unreachable()), to=channel.their_key, own=own, is_between_us=True)
            await route.send(packed)
        except ConnectionError:
            return
        except Exception as err:  # noqa: BLE001 (its words may name the destination; the wallet asks again)
            log_event(_LOG, logging.ERROR, "mediator.egress_failed", reason=type(err).__name__)

    async def _answer(self, wallet: str, request: EgressRequest) -> Relayed | EgressRefusedError:
        # Where it fails or the wallet hangs up, nobody knows how much came: all that may have.
        came: int | None = self._config.egress_answer_kb * 1024
        try:
            relayed: Relayed = await self._edge.relay(
                request.method,
                request.url,
                request.body,
                headers=request.headers,
                max_bytes=self._config.egress_answer_kb * 1024,
                timeout_s=TIMEOUT_S,
                mapped_hosts=self._config.egress_hosts,
            )
            came = len(relayed.body)
        except (AddressRefusedError, NoConnectionError) as err:  # nothing was asked
            came = None
            return _refused(err)
        except HttpError as err:
            return _refused(err)
        finally:
            if came is not None:
                self._bytes.spend(wallet, len(request.body or b"") + came)
        return relayed


def _packed(
    answer: Relayed | EgressRefusedError, request: EgressRequest, thread_id: str, *, to: str, own: Key, follows: bool
) -> bytes:
    if isinstance(answer, EgressRefusedError):
        return pack(refusal(thread_id, answer), to=to, own=own, is_between_us=True)
    text, tail = response(thread_id, request, answer, follows=follows)
    return pack(text, to=to, own=own, tail=tail, is_between_us=True)


def response(
    thread_id: str, request: EgressRequest, relayed: Relayed, *, follows: bool = False
) -> tuple[dict[str, Any], bytes]:
    """Return `response`, in as few bytes as the wallet lets (5), and what follows it if bodies do (6)."""
    body = relayed.body
    encoding: dict[str, Any] = {}
    if relayed.status == 200 and request.known == f"sha256:{hashlib.sha256(body).hexdigest()}":
        body, encoding = b"", {"unchanged": True}
    elif request.takes_deflate:
        deflated, name = zlib.compress(body), _DEFLATE
        if request.takes_jws and (parts := _jws_parts(body)) is not None:
            deflated, name = zlib.compress(parts), _JWS_DEFLATE
        if len(deflated) < len(body):
            body, encoding = deflated, {"content_encoding": name}
    reply = {
        "@type": f"{PREFIX}{FAMILY}/response",
        "@id": str(uuid4()),
        "~thread": {"thid": thread_id},
        "status": relayed.status,
        "headers": dict(relayed.headers),
        **encoding,
    }
    if follows:
        return {**reply, "body_follows": True}, body
    return {**reply, "body": base64.b64encode(body).decode("ascii"), "takes_text": True}, b""


def _jws_parts(body: bytes) -> bytes | None:
    """Return a compact JWS (RFC 7515 §7.1) as its three parts without base64, each after its length in four bytes.

    None: it is none, or would not come out the same, to the letter.
    """
    texts = body.split(b".")
    if len(texts) != _JWS_PARTS:
        return None
    try:
        parts = [base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4)) for text in texts]
    except ValueError:
        return None
    if [base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts] != texts:
        return None
    return b"".join(len(part).to_bytes(4) + part for part in parts)


def refusal(thread_id: str, error: EgressRefusedError) -> dict[str, Any]:
    """Return the problem report of a request that got no answer."""
    return problem_report(f"{FAMILY}/problem-report", thread_id=thread_id, code=error.code, text=error.text)


def _refused(error: HttpError) -> EgressRefusedError:
    match error:
        case AddressRefusedError():
            return EgressRefusedError("e.m.egress.address", "expected an https address of a host name, on port 443")
        case TooLargeError():
            return EgressRefusedError("e.m.egress.too-large", "the answer is larger than is passed on here")
        case DeadlineError():
            return EgressRefusedError("e.m.egress.deadline", f"no complete answer within {TIMEOUT_S:g} s")
        case _:
            return _unreachable()


def _unreachable() -> EgressRefusedError:
    return EgressRefusedError("e.m.egress.unreachable", "no answer: no connection, or one that broke")


def _word(members: Mapping[str, Any], name: str) -> str | None:
    word = members.get(name)
    if word is not None and (not isinstance(word, str) or len(word) > _LONGEST_WORD):
        raise _malformed(f"expected a short text as {name}")
    return word


def _digest(text: str | None) -> str | None:
    if text is not None and not _DIGEST.fullmatch(text):
        raise _malformed("expected sha256: and 64 hexadecimal digits as known")
    return text


def _following(members: Mapping[str, Any], tail: bytes) -> bytes:
    """Return the body that follows a request: an envelope made compact, or as it is."""
    if "body" in members or "text" in members:
        raise _malformed("expected one body")
    try:
        body = expanded(tail)
    except ValueError as err:
        raise _malformed("expected a whole envelope") from err
    if len(body) > _MAX_BODY:
        raise _malformed(f"expected a body of at most {_MAX_BODY} bytes")
    return body


def _body(text: object, plain: object) -> bytes:
    if plain is not None:
        if not isinstance(plain, str) or text is not None or len(plain) > _MAX_BODY or not plain.isascii():
            raise _malformed(f"expected one body, or a text of at most {_MAX_BODY} ASCII characters")
        return plain.encode("ascii")
    if text is None:
        return b""
    try:
        body = base64.b64decode(text, validate=True) if isinstance(text, str) else None
    except (binascii.Error, ValueError):
        body = None
    if body is None or len(body) > _MAX_BODY:
        raise _malformed(f"expected a body in base64, of at most {_MAX_BODY} bytes")
    return body


def _malformed(text: str) -> EgressRefusedError:
    return EgressRefusedError("e.m.egress.malformed", text)
