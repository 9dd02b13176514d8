"""Egress: a page's requests go out by the mediator, to public https addresses alone, and nothing of them is written."""

import asyncio
import base64
import hashlib
import json
import logging
import ssl
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from tests.unit.mediator.conftest import LIMITS, Start
from tests.unit.mediator.phones import Json, LivePhone, Phone, Site, inner, message, opened, read, write
from tests.unit.mediator.test_privacy import entries, opened_rows, rows

from wanderbuch.agents.machine import AgentHandle, LocalMachine
from wanderbuch.agents.mediator import egress
from wanderbuch.agents.runtime.agent import RunningAgent
from wanderbuch.agents.runtime.gate.envelope import decrypt, identify, read_envelope
from wanderbuch.agents.runtime.message_sockets import MessageSocket
from wanderbuch.plugins.exchange.compact import compacted, expanded, is_compact
from wanderbuch.plugins.exchange.packing import pack
from wanderbuch.plugins.http.edge import HttpEdge

HOST, INSIDE = "issuer.example.test", "inside.example.test"
FAMILY = "egress/1.0"
ANSWER_KB = 16


@dataclass
class Elsewhere:
    """A host that pages ask."""

    asked: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    open_now: int = 0
    let_go: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.asked.append((request.method, request.path, headers, await request.read()))
        match request.path:
            case "/slow":
                self.open_now += 1
                try:
                    await self.let_go.wait()
                finally:
                    self.open_now -= 1
            case "/large":
                return web.Response(body=b"x" * (ANSWER_KB * 1024 + 1))
            case "/endless":
                answer = web.StreamResponse()
                await answer.prepare(request)
                for _ in range(ANSWER_KB + 1):
                    await answer.write(b"x" * 1024)
                return answer
            case "/moved":
                return web.Response(status=302, headers={"Location": "https://127.0.0.1/secret"})
            case "/odd":
                assert request.transport is not None
                request.transport.write(
                    b'HTTP/1.1 200 OK\r\nETag: "\xff"\r\nContent-Type: text/x\r\nContent-Length: 3\r\n\r\nodd'
                )
                request.transport.close()
            case "/broken":
                assert request.transport is not None
                request.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nodd")
                request.transport.close()
            case "/file":
                return web.Response(text="part " * 1_000)
            case "/jws":
                parts = (b'{"alg":"EdDSA"}', b'{"n":"' + b"x" * 500 + b'"}', bytes(64))
                texts = (base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
                return web.Response(body=b".".join(texts))
            case "/nothing":
                return web.Response(status=404, text="nothing")
        return web.Response(text="welcome", headers={"ETag": '"7"', "Set-Cookie": "a=b"})


class Rebinding(AbstractResolver):
    """Names that are public when they are looked up first, and private after that; as in DNS rebinding."""

    def __init__(self) -> None:
        self.asked = 0

    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> list[ResolveResult]:
        self.asked += 1
        if host == "nowhere.example":
            raise OSError("no such name")
        address = {"mixed.example": "10.0.0.7", "linklocal.example": "169.254.169.254"}.get(host, "127.0.0.1")
        return [
            ResolveResult(hostname=host, host=one, port=port, family=2, proto=0, flags=0)
            for one in (["8.8.8.8", address] if host == "mixed.example" else [address])
        ]

    async def close(self) -> None:
        pass


@pytest.fixture
async def elsewhere(machine: LocalMachine, handle: AgentHandle) -> AsyncIterator[Elsewhere]:
    """A host behind the mediator's connection map that wallets may reach, and the same as one that they may not."""
    asked = Elsewhere()
    certificate, key = machine.folder / "elsewhere.crt", machine.folder / "elsewhere.key"
    machine.authority.write_server(HOST, certificate, key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    app = web.Application()
    app.router.add_route("*", "/{path}", asked.take)
    runner = web.AppRunner(app, shutdown_timeout=0.05, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    port = runner.addresses[0][1]
    for host in (HOST, INSIDE):
        machine.reach(host, f"127.0.0.1:{port}")
    handle.configure(
        mediator={
            **LIMITS,
            "egress": True,
            "egress_hosts": [HOST],
            "egress_answer_kb": ANSWER_KB,
            "egress_a_minute": 30,
        }
    )
    handle.write_config()
    yield asked
    asked.let_go.set()
    await runner.cleanup()


async def ask(live: LivePhone, url: str, method: str = "GET", **members: object) -> str:
    """Ask, and give the thread."""
    request = message(f"{FAMILY}/request", method=method, url=url, **members)
    await live.send(request)
    return str(request["@id"])


async def asked_for(live: LivePhone, url: str, method: str = "GET", **members: object) -> Json:
    thread = await ask(live, url, method, **members)
    while True:
        for index, plain in enumerate(live.heard):
            if plain["~thread"]["thid"] == thread:
                return live.heard.pop(index)
        live.heard.append(await next_of(live))


async def next_of(live: LivePhone) -> Json:
    return opened(live.phone.key, await live.frame())


def code_of(answer: Json) -> str:
    assert answer["@type"].endswith("/problem-report"), answer
    return str(answer["description"]["code"])


def body_of(answer: Json) -> bytes:
    return base64.b64decode(answer["body"])


async def test_a_request_is_answered_and_leaves_nothing(
    elsewhere: Elsewhere, begin: Start, site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    mediator = await begin()
    phone = await Phone.mediated(site)
    caplog.set_level(logging.DEBUG)
    async with phone.live() as live:
        await live.next("status")
        got = await asked_for(live, f"https://{HOST}/page", headers={"Accept": "text/plain", "Range": "bytes=0-99"})
        assert (got["status"], body_of(got)) == (200, b"welcome")
        assert got["headers"] == {"content-type": "text/plain; charset=utf-8", "etag": '"7"'}  # no cookie
        posted = await asked_for(live, f"https://{HOST}/didcomm", "POST", body=base64.b64encode(b"packed").decode())
        assert posted["status"] == 200
        assert (await asked_for(live, f"https://{HOST}/nothing"))["status"] == 404
        moved = await asked_for(live, f"https://{HOST}/moved")
        assert (moved["status"], moved["headers"]["location"]) == (302, "https://127.0.0.1/secret")
        for path in ("large", "endless"):
            assert code_of(await asked_for(live, f"https://{HOST}/{path}")) == "e.m.egress.too-large"
    (get, post, *_) = elsewhere.asked
    assert (get[0], get[2]["range"], post[0], post[3]) == ("GET", "bytes=0-99", "POST", b"packed")
    assert [path for _, path, *_ in elsewhere.asked].count("/moved") == 1
    log = "\n".join(json.dumps(record.__dict__, default=str) for record in caplog.records)
    stored = await rows(mediator)
    for text in (log, repr(stored), repr(opened_rows(mediator, stored)), repr(await entries(mediator))):
        assert HOST not in text


async def test_what_is_public_comes_in_few_bytes_where_the_wallet_asks_for_it(
    elsewhere: Elsewhere, begin: Start, site: Site
) -> None:
    await begin()
    phone = await Phone.mediated(site)
    whole = b"part " * 1_000
    url, known = f"https://{HOST}/file", f"sha256:{hashlib.sha256(whole).hexdigest()}"
    async with phone.live() as live:
        await live.next("status")
        plain = await asked_for(live, url)
        assert (body_of(plain), plain.keys() & {"content_encoding", "unchanged"}) == (whole, set())
        deflated = await asked_for(live, url, accept_encoding="deflate", known="sha256:" + "0" * 64)
        assert (deflated["content_encoding"], zlib.decompress(body_of(deflated))) == ("deflate", whole)
        assert len(deflated["body"]) < 200
        short = await asked_for(live, f"https://{HOST}/page", accept_encoding="deflate")
        assert (body_of(short), "content_encoding" in short) == (b"welcome", False)  # nothing is won
        other = await asked_for(live, url, accept_encoding="br")
        assert (body_of(other), "content_encoding" in other) == (whole, False)
        unchanged = await asked_for(live, url, accept_encoding="deflate", known=known)
        assert (unchanged["status"], unchanged["unchanged"], unchanged["body"]) == (200, True, "")
        posted = await asked_for(live, url, "POST", accept_encoding="deflate", known=known)
        assert (body_of(posted), posted.keys() & {"content_encoding", "unchanged"}) == (whole, set())
        assert posted["takes_text"]
        await asked_for(live, f"https://{HOST}/didcomm", "POST", text='{"a":1}')
        for wrong in ({"known": "sha256:x"}, {"known": 7}, {"accept_encoding": ["deflate"]}):
            assert code_of(await asked_for(live, url, **wrong)) == "e.m.egress.malformed"
    assert elsewhere.asked[-1][3] == b'{"a":1}'
    asked = [headers for _, path, headers, _ in elsewhere.asked if path == "/file"]
    assert all(
        "if-none-match" not in request and known not in str(request) for request in asked
    )  # the host learns nothing
    assert len({tuple(sorted(headers.items())) for headers in asked[:-1]}) == 1


async def test_who_speaks_compactly_sends_and_gets_bodies_as_they_are(
    elsewhere: Elsewhere, begin: Start, site: Site
) -> None:
    await begin()
    phone = await Phone.mediated(site)
    key = await phone.new_key()
    posted = inner(key)

    async def told(live: LivePhone, asked: Json, tail: bytes = b"") -> tuple[Json, bytes]:
        packed = pack(asked | {"~transport": {"return_route": "all"}}, to=phone.mediator_key, own=phone.key, tail=tail)
        await live.socket.send_bytes(compacted(packed))
        return await heard(live)

    async def heard(live: LivePhone) -> tuple[Json, bytes]:
        frame = await live.frame()
        assert is_compact(frame)  # whoever speaks so is spoken to so
        envelope = read_envelope(expanded(frame), max_bytes=8_000_000)
        text, _, tail = decrypt(envelope, identify(envelope.recipients[0], phone.key)).partition(b"\0")
        return json.loads(text), tail

    def request(url: str, method: str = "GET", **members: object) -> Json:
        return message(f"{FAMILY}/request", method=method, url=url, **members)

    async with site.socket() as socket:
        live = LivePhone(phone, socket)
        change = message("messagepickup/2.0/live-delivery-change", live_delivery=True, delivery_as="text")
        await live.send(change)
        frame = await live.frame()
        assert not is_compact(frame)
        assert opened(phone.key, frame)["takes_compact"] is True
        file, tail = await told(live, request(f"https://{HOST}/file", accept_encoding="deflate"))
        assert (file["content_encoding"], file["body_follows"], "body" in file) == ("deflate", True, False)
        assert zlib.decompress(tail) == b"part " * 1_000
        parts = [b'{"alg":"EdDSA"}', b'{"n":"' + b"x" * 500 + b'"}', bytes(64)]
        jws, tail = await told(live, request(f"https://{HOST}/jws", accept_encoding="deflate", takes_jws=True))
        assert (jws["content_encoding"], zlib.decompress(tail)) == (
            "jws+deflate",
            b"".join(len(part).to_bytes(4) + part for part in parts),
        )
        sent, tail = await told(live, request(f"https://{HOST}/didcomm", "POST", body_follows=True), compacted(posted))
        assert (sent["status"], tail) == (200, b"welcome")
        assert elsewhere.asked[-1][3] == posted  # as it was sealed, to the letter
        await told(live, request(f"https://{HOST}/didcomm", "POST", body_follows=True), b"as it is")
        assert elsewhere.asked[-1][3] == b"as it is"
        for wrong, follows in (({"text": "{}"}, b"x"), ({"body": ""}, b"x"), ({}, compacted(posted)[:99])):
            broken, _ = await told(live, request(f"https://{HOST}/x", "POST", body_follows=True, **wrong), follows)
            assert code_of(broken) == "e.m.egress.malformed"
        # What is for the wallet comes behind the delivery, too; of two, each has its place.
        await asyncio.gather(*(write(phone, key, f"word {number}") for number in range(2)))
        came: list[bytes] = []
        while len(came) < 2:
            delivery, tail = await heard(live)
            for item in delivery["~attach"]:
                size = item["data"]["follows"]
                came.append(expanded(tail[:size]))
                tail = tail[size:]
            assert tail == b""
        assert {read(key, envelope) for envelope in came} == {"word 0", "word 1"}
        # Behind what takes nothing there is nothing: such a message is not taken.
        before = await phone.status()
        odd = message(
            "messagepickup/2.0/messages-received", message_id_list=[item["@id"] for item in delivery["~attach"]]
        )
        await live.socket.send_bytes(pack(odd, to=phone.mediator_key, own=phone.key, tail=b"x"))
        assert (await phone.status())["message_count"] == before["message_count"] == 2


@pytest.mark.parametrize("text", ["a.b", "YQ.YQ.YQ.YQ", "YQ==.YQ.YQ", "Y.YQ.YQ", "YR.YQ.YQ", '{"payload": "YQ.YQ.YQ"}'])
def test_what_is_no_compact_jws_is_sent_as_it_is(text: str) -> None:
    assert egress._jws_parts(b"YQ.YQ.YQ") == b"\0\0\0\1a" * 3
    assert egress._jws_parts(text.encode()) is None


NO_ADDRESSES = [
    f"http://{HOST}/page",
    f"https://{HOST}:8443/page",
    f"https://user:word@{HOST}/page",
    "https://127.0.0.1/page",
    "https://[::1]/page",
    "https://2130706433/page",
    "https://0x7f.1/page",
    "file:///etc/passwd",
    "https:///page",
]
INSIDE_NAMES = [INSIDE, "rebinding.example", "mixed.example", "linklocal.example", "localhost"]
"""The first is in the connection map, and not for wallets."""


async def test_nothing_that_is_inside_is_reached_nor_told_to_be_there(
    elsewhere: Elsewhere, begin: Start, site: Site
) -> None:
    mediator = await begin()
    edge: HttpEdge = mediator.edge
    edge._sessions.resolver = Rebinding()
    phone = await Phone.mediated(site)
    async with phone.live() as live:
        await live.next("status")
        for url in NO_ADDRESSES:
            assert code_of(await asked_for(live, url)) == "e.m.egress.address", url
        nowhere = await asked_for(live, "https://nowhere.example/page")
        assert code_of(nowhere) == "e.m.egress.unreachable"
        for name in INSIDE_NAMES:
            answer = await asked_for(live, f"https://{name}/page")
            assert answer["description"] == nowhere["description"], name
    assert elsewhere.asked == []
    office: Any = mediator.tenant.offices["mediator"]
    assert not office.egress._bytes._spent  # nothing was sent


async def test_what_fails_counts_as_much_as_it_may_have_brought(elsewhere: Elsewhere, begin: Start, site: Site) -> None:
    mediator = await begin()
    phone = await Phone.mediated(site)
    office: Any = mediator.tenant.offices["mediator"]
    spent = office.egress._bytes._spent
    async with phone.live() as live:
        await live.next("status")
        for count, (path, code) in enumerate(
            [("large", "too-large"), ("endless", "too-large"), ("broken", "unreachable")], start=1
        ):
            assert code_of(await asked_for(live, f"https://{HOST}/{path}")) == f"e.m.egress.{code}"
            ((_, size),) = spent.values()
            assert (count - 0.5) * ANSWER_KB * 1024 < size <= count * ANSWER_KB * 1024


async def test_odd_answers_and_faults_of_ours_are_answered(
    elsewhere: Elsewhere, begin: Start, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    mediator = await begin()
    phone = await Phone.mediated(site)
    async with phone.live() as live:
        await live.next("status")
        odd = await asked_for(live, f"https://{HOST}/odd")
        assert (odd["headers"], body_of(odd)) == ({"content-type": "text/x"}, b"odd")
        monkeypatch.setattr(mediator.edge, "relay", None)
        assert code_of(await asked_for(live, f"https://{HOST}/page")) == "e.m.egress.unreachable"


async def test_a_wallet_has_few_at_once_and_its_other_messages_do_not_wait(
    elsewhere: Elsewhere, begin: Start, site: Site
) -> None:
    await begin()
    phone, other = await Phone.mediated(site), await Phone.mediated(site)
    async with phone.live() as live, other.live() as second:
        await live.next("status")
        slow = [await ask(live, f"https://{HOST}/slow") for _ in range(egress._OF_A_WALLET)]
        assert code_of(await asked_for(live, f"https://{HOST}/page")) == "e.m.egress.busy"
        await live.send(message("messagepickup/2.0/status-request"))
        await live.next("status")
        assert (await asked_for(second, f"https://{HOST}/page"))["status"] == 200
        elsewhere.let_go.set()
        answered = {(await live.next("response"))["~thread"]["thid"] for _ in slow}
        assert answered == set(slow)
        assert (await asked_for(live, f"https://{HOST}/page"))["status"] == 200


async def test_when_it_is_crowded_a_wallet_has_one(
    elsewhere: Elsewhere, begin: Start, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(egress, "_AT_ONCE", 4)
    monkeypatch.setattr(egress, "_OF_A_NETWORK", 4)
    await begin()
    phone, other = await Phone.mediated(site), await Phone.mediated(site)
    async with phone.live() as live, other.live() as second:
        for _ in range(2):
            await ask(live, f"https://{HOST}/slow")
        assert code_of(await asked_for(live, f"https://{HOST}/page")) == "e.m.egress.busy"
        assert (await asked_for(second, f"https://{HOST}/page"))["status"] == 200


async def test_wallets_of_one_network_have_a_part_of_the_places(
    elsewhere: Elsewhere, begin: Start, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(egress, "_OF_A_NETWORK", 3)
    mediator = await begin()
    office: Any = mediator.tenant.offices["mediator"]
    phone, other = await Phone.mediated(site), await Phone.mediated(site)
    async with phone.live() as live, other.live() as second:
        slow = [await ask(live, f"https://{HOST}/slow") for _ in range(3)]
        while len(office.egress._tasks) < 3:  # noqa: ASYNC110 (tasks of the agent's)
            await asyncio.sleep(0.01)
        assert code_of(await asked_for(second, f"https://{HOST}/page")) == "e.m.egress.busy"
        monkeypatch.setattr(MessageSocket, "network", "2001:db8:77::/48", raising=False)
        assert (await asked_for(second, f"https://{HOST}/page"))["status"] == 200
        monkeypatch.undo()
        elsewhere.let_go.set()
        for _ in slow:
            await live.next("response")
    assert not office.egress._of_network


async def test_a_host_that_is_slow_ends_with_its_time_or_with_the_socket(
    elsewhere: Elsewhere, begin: Start, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    mediator = await begin()
    phone = await Phone.mediated(site)
    office: Any = mediator.tenant.offices["mediator"]
    async with phone.live() as live:
        await ask(live, f"https://{HOST}/slow")
        while not office.egress._tasks:  # noqa: ASYNC110 (tasks of the agent's)
            await asyncio.sleep(0.01)
        (task,) = office.egress._tasks
    await asyncio.wait({task})
    assert task.cancelled()
    ((_, size),) = office.egress._bytes._spent.values()
    assert size == ANSWER_KB * 1024  # who hangs up before the end had all that may have come
    monkeypatch.setattr(egress, "TIMEOUT_S", 0.05)
    async with phone.live() as live:
        assert code_of(await asked_for(live, f"https://{HOST}/slow")) == "e.m.egress.deadline"
    assert not office.egress._of_wallet


async def test_a_wallet_has_so_much_a_minute_and_a_day(elsewhere: Elsewhere, begin: Start, site: Site) -> None:
    mediator = await begin()
    phone, other = await Phone.mediated(site), await Phone.mediated(site)
    office: Any = mediator.tenant.offices["mediator"]
    now_s = 1_000.0
    config = office.config.model_copy(update={"egress_a_minute": 2, "egress_mb_a_day": 1})
    office.egress = egress.Egress(mediator.profile, config, timer=lambda: now_s)
    async with phone.live() as live, other.live() as second:
        for _ in range(2):
            assert (await asked_for(live, f"https://{HOST}/page"))["status"] == 200
        assert code_of(await asked_for(live, f"https://{HOST}/page")) == "e.m.egress.too-often"
        large = base64.b64encode(b"x" * 1024 * 1024).decode()
        assert (await asked_for(second, f"https://{HOST}/page", "POST", body=large))["status"] == 200
        assert code_of(await asked_for(second, f"https://{HOST}/page")) == "e.m.egress.too-often"
        now_s += 24 * 3600
        assert (await asked_for(second, f"https://{HOST}/page"))["status"] == 200


async def test_there_is_none_over_https_or_where_it_is_off(elsewhere: Elsewhere, begin: Start, site: Site) -> None:
    mediator = await begin()
    phone = await Phone.mediated(site)
    answer = await phone.ask(message(f"{FAMILY}/request", method="GET", url=f"https://{HOST}/page"))
    assert answer is not None
    assert code_of(answer) == "e.m.egress.web-socket"
    office: Any = mediator.tenant.offices["mediator"]
    office.egress = None
    async with phone.live() as live:
        assert code_of(await asked_for(live, f"https://{HOST}/page")) == "e.m.egress.off"
    assert elsewhere.asked == []


async def test_nothing_is_kept_of_a_request_that_cannot_be_taken_now(
    elsewhere: Elsewhere, begin: Start, site: Site
) -> None:
    mediator: RunningAgent = await begin()
    phone = await Phone.mediated(site)
    request = message(f"{FAMILY}/request", method="GET", url=f"https://{HOST}/page")
    transport: Any = mediator._transport
    transport.hold()
    status, _ = await site.post(phone.packed(request))
    assert status == 503
    assert not [entry for entry in await entries(mediator) if b"wanderbuch.envelope" in entry]
    transport.open()
