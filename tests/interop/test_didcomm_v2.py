"""DIDComm v2 with SICPA's `didcomm`: an agent and an authority of ours, and a peer that nobody here wrote."""

import asyncio
import json
import ssl
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import aiohttp
import pytest
import pytest_asyncio
from tests.flow.test_authority import CENTRE, Person, centre, header
from tests.interop.didcomm_peer import TYPE, DidcommPeer, Opened, PeerError, didcomm_peer, mailbox
from tests.prepared import start_prepared

from wanderbuch.agents.machine import AgentHandle, AppError, LocalMachine
from wanderbuch.agents.machine.ports import free_port

pytestmark = [pytest.mark.agents, pytest.mark.asyncio(loop_scope="module")]

PING = "https://didcomm.org/trust-ping/2.0/ping"
PING_RESPONSE = "https://didcomm.org/trust-ping/2.0/ping-response"
QUERIES = "https://didcomm.org/discover-features/2.0/queries"
TRQP = "https://affinidi.com/didcomm/protocols/trqp/1.0"
PEER, MEDIATOR = "peer.wanderbuch.test", "mediator.wanderbuch.test"
CURVES = ("X25519", "P-256")
TINY = (sys.executable, "-m", "tests.flow.tiny_role")


@dataclass
class Meeting:
    """Our authority, the peer, and where the peer can be reached."""

    machine: LocalMachine
    authority: AgentHandle
    asker: AgentHandle
    wallet: AgentHandle
    did: str
    peer: DidcommPeer
    ports: dict[str, int]
    session: aiohttp.ClientSession

    async def post(self, packed: bytes) -> tuple[int, bytes]:
        """Post an envelope to the authority's public site, as any peer does."""
        tls = ssl.create_default_context(cafile=str(self.machine.ca_file))
        async with self.session.post(
            f"https://{self.authority.target}/didcomm",
            data=packed,
            headers={"Content-Type": TYPE},
            ssl=tls,
            server_hostname=self.authority.host,
        ) as answer:
            return answer.status, await answer.read()

    async def ask(self, own: str, kind: str, body: Any = None, *, told_id: str = "1", **options: Any) -> Opened:
        """Ask the authority something, and return what it answers on the same connection."""
        told = message(kind, body, sender=own, to=self.did, id=told_id)
        packed = await self.peer.pack(own, told, to=self.did, **options)
        status, answer = await self.post(packed)
        assert status == 200
        opened = await self.peer.unpack(answer)
        assert opened.is_authenticated
        assert opened.sender is not None
        assert opened.sender.startswith(f"{self.did}#")
        assert opened.message["from"] == self.did
        return opened


def message(kind: str, body: Any = None, *, sender: str | None, to: str, **headers: Any) -> dict[str, Any]:
    told = {"id": str(uuid4()), "type": kind, "body": body or {}, "to": [to], "return_route": "all", **headers}
    return told if sender is None else {**told, "from": sender}


async def document_of(agent: AgentHandle, machine: LocalMachine, session: aiohttp.ClientSession) -> dict[str, Any]:
    """The DID document that an agent publishes."""
    tls = ssl.create_default_context(cafile=str(machine.ca_file))
    async with session.get(f"https://{agent.target}/org/did.jsonl", ssl=tls, server_hostname=agent.host) as answer:
        document: dict[str, Any] = json.loads((await answer.text()).splitlines()[-1])["state"]
    return document


async def publish(authority: AgentHandle) -> None:
    """Have two officials publish that a centre counts."""
    people = {}
    for name in ("editor", "approver"):
        added = await authority.post("/officials", {"id": name, "name": name.title(), "roles": [name]})
        people[name] = Person(authority, added["token"])
    draft = await people["editor"].post("/drafts", {"why": "first version"})
    edit = {"header": header(await authority.get("/identity")), "records": {CENTRE: centre(1)}}
    await people["editor"].call("PATCH", f"/drafts/{draft['id']}", edit)
    draft = await people["editor"].post(f"/drafts/{draft['id']}/submit")
    await people["approver"].post(f"/drafts/{draft['id']}/approve", {"revision": draft["revision"]})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def meeting(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Meeting]:
    machine = LocalMachine(tmp_path_factory.mktemp("machine") / "all", start_child=start_prepared)
    ports = {PEER: free_port(), MEDIATOR: free_port()}
    for host, port in ports.items():
        machine.reach(host, f"127.0.0.1:{port}")
    authority = machine.add(
        "authority",
        "Authority",
        "authority.wanderbuch.test",
        authority={"ecosystem": "lanka", "redress": "mailto:a@example.test", "trqp": {"enabled": True}},
    )
    asker = machine.add("tiny", "asker", "asker.wanderbuch.test", command=TINY)
    wallet = machine.add("holder", "Holder", "holder.wanderbuch.test")
    for agent in (authority, asker, wallet):
        agent.configure(public={"didcomm_v2": True})
    async with aiohttp.ClientSession(trust_env=False) as session, didcomm_peer() as peer:
        await machine.start()
        await publish(authority)
        document = await document_of(authority, machine, session)
        await peer.know(document)
        yield Meeting(machine, authority, asker, wallet, document["id"], peer, ports, session)
        await machine.stop()


@pytest.mark.parametrize("curve", CURVES)
async def test_the_peer_pings_and_opens_the_answer(meeting: Meeting, curve: str) -> None:
    alice = await meeting.peer.new(curve)
    answered = await meeting.ask(alice, PING, {"response_requested": True})
    assert answered.message["type"] == PING_RESPONSE


async def test_the_peer_hides_who_it_is_from_the_network(meeting: Meeting) -> None:
    alice = await meeting.peer.new("X25519")
    assert (await meeting.ask(alice, PING, hide=True)).message["type"] == PING_RESPONSE


async def test_the_peer_asks_what_is_spoken(meeting: Meeting) -> None:
    alice = await meeting.peer.new("P-256")
    told = await meeting.ask(alice, QUERIES, {"queries": [{"feature-type": "protocol", "match": "*"}]})
    assert {"feature-type": "protocol", "id": TRQP} in told.message["body"]["disclosures"]


@pytest.mark.parametrize("hidden", [True, False], ids=["anoncrypt", "authcrypt"])
@pytest.mark.parametrize("curve", ["Ed25519", "P-256"])
async def test_the_peer_signs_what_it_asks(meeting: Meeting, curve: str, hidden: bool) -> None:
    alice = await meeting.peer.new("X25519", signs=curve)
    told = message(PING, sender=alice, to=meeting.did, id="1")
    packed = await meeting.peer.pack(None if hidden else alice, told, to=meeting.did, signer=alice)
    status, answer = await meeting.post(packed)
    assert status == 200
    opened = await meeting.peer.unpack(answer)
    assert (opened.message["type"], opened.message["thid"]) == (PING_RESPONSE, "1")


async def test_what_the_peer_signs_for_nobody_by_name_is_refused(meeting: Meeting) -> None:
    alice = await meeting.peer.new("X25519", signs="Ed25519")
    told = message(PING, sender=alice, to=meeting.did)
    del told["to"]
    packed = await meeting.peer.pack(None, told, to=meeting.did, signer=alice)
    assert (await meeting.post(packed))[0] == 400


async def test_the_peer_signs_in_two_envelopes_which_must_not_be_used(meeting: Meeting) -> None:
    alice = await meeting.peer.new("X25519", signs="P-256")
    told = message(PING, sender=alice, to=meeting.did)
    packed = await meeting.peer.pack(alice, told, to=meeting.did, signer=alice, hide=True)
    assert (await meeting.post(packed))[0] == 400


async def test_the_peer_writes_in_a_version_that_is_not_spoken(meeting: Meeting) -> None:
    alice = await meeting.peer.new("X25519")
    told = (await meeting.ask(alice, PING.replace("2.0", "3.0"), told_id="v-1")).message
    assert (told["body"]["code"], told["pthid"]) == ("e.p.msg.unsupported-version", "v-1")
    assert (await meeting.ask(alice, PING.replace("2.0", "2.4"))).message["type"] == PING_RESPONSE


@pytest.mark.parametrize(("place", "answer"), [("MLT", True), ("FRA", False)])
async def test_the_peer_asks_whether_an_issuer_counts(meeting: Meeting, place: str, answer: bool) -> None:
    alice = await meeting.peer.new("X25519")
    query = question(meeting, f"occupation=C7212;place={place};eqf=4")
    told = await meeting.ask(alice, f"{TRQP}/query-authorization", query)
    assert told.message["type"] == f"{TRQP}/query-authorization/response"
    assert told.message["body"]["authorized"] is answer


async def test_the_peer_asks_whether_an_authority_is_recognised(meeting: Meeting) -> None:
    alice = await meeting.peer.new("P-256")
    told = await meeting.ask(alice, f"{TRQP}/query-recognition", question(meeting, "occupation=C7212;place=MLT"))
    assert told.message["type"] == f"{TRQP}/query-recognition/response"
    assert told.message["body"]["recognized"] is False


def question(meeting: Meeting, resource: str) -> dict[str, str]:
    return {"authority_id": meeting.did, "entity_id": CENTRE, "action": "issue", "resource": resource}


async def test_a_question_that_is_none_gets_a_problem_report(meeting: Meeting) -> None:
    alice = await meeting.peer.new("X25519")
    told = await meeting.ask(alice, f"{TRQP}/query-authorization", {"entity_id": 7})
    assert told.message["type"] == "https://didcomm.org/report-problem/2.0/problem-report"
    assert told.message["body"]["code"] == "e.p.msg.bad-request"


async def test_what_the_authority_does_not_know_is_told_in_a_child_of_the_thread(meeting: Meeting) -> None:
    alice = await meeting.peer.new("P-256")
    query = question(meeting, "occupation=C7212;place=MLT") | {"authority_id": CENTRE}
    told = (await meeting.ask(alice, f"{TRQP}/query-authorization", query, told_id="q-1")).message
    assert told["body"]["code"] == "e.p.msg.not-found"
    assert told["pthid"] == "q-1"


@pytest.mark.parametrize(("about", "member"), [("authorization", "authorized"), ("recognition", "recognized")])
async def test_our_agent_asks_the_peers_registry(meeting: Meeting, about: str, member: str) -> None:
    did = await meeting.peer.new("P-256", f"https://{PEER}/didcomm")
    query = {"entity_id": CENTRE, "authority_id": did, "action": "issue", "resource": "certificate"}

    async def take(packed: bytes) -> bytes | None:
        opened = await meeting.peer.unpack(packed)
        assert (opened.message["type"], opened.message["body"]) == (f"{TRQP}/query-{about}", query)
        body = {**opened.message["body"], member: True, "record_type": about.title()}
        kind = f"{opened.message['type']}/response"
        told = message(kind, body, sender=did, to=meeting.did, thid=opened.message["id"])
        return await meeting.peer.pack(did, told, to=meeting.did)

    async with mailbox(meeting.machine, PEER, meeting.ports[PEER], take):
        answered = await meeting.authority.post("/v1/didcomm/questions", {"to": did, "about": about, **query})
    assert (answered["did"], answered["says_yes"]) == (did, True)
    assert answered["answer"]["record_type"] == about.title()


async def test_an_answer_that_names_no_question_does_not_count_even_if_it_is_signed(meeting: Meeting) -> None:
    """As Affinidi's registry answers: signed, in an envelope that proves it, without the thread of the question."""
    did = await meeting.peer.new("P-256", f"https://{PEER}/didcomm", signs="Ed25519")
    query = {"entity_id": CENTRE, "authority_id": did, "action": "issue", "resource": "certificate"}
    thid: dict[str, str] = {}

    async def take(packed: bytes) -> bytes | None:
        opened = await meeting.peer.unpack(packed)
        body = {**opened.message["body"], "authorized": True}
        thread = dict.fromkeys(thid, opened.message["id"])
        told = message(f"{TRQP}/query-authorization/response", body, sender=did, to=meeting.did, **thread)
        return await meeting.peer.pack(did, told, to=meeting.did, signer=did)

    async with mailbox(meeting.machine, PEER, meeting.ports[PEER], take):
        with pytest.raises(AppError, match="without naming the question"):
            await meeting.authority.post("/v1/didcomm/questions", {"to": did, **query})
        thid["thid"] = "is told"
        answered = await meeting.authority.post("/v1/didcomm/questions", {"to": did, **query})
        assert answered["says_yes"] is True


async def test_our_agent_does_not_ask_itself(meeting: Meeting) -> None:
    with pytest.raises(AppError, match="somebody else, found this agent's own"):
        await meeting.authority.post("/v1/didcomm/pings", {"to": meeting.did})


@pytest.mark.parametrize("own_thread", [True, False])
async def test_our_agent_tells_what_the_peer_reports(meeting: Meeting, own_thread: bool) -> None:
    did = await meeting.peer.new("X25519", f"https://{PEER}/didcomm")

    async def take(packed: bytes) -> bytes | None:
        opened = await meeting.peer.unpack(packed)
        thread = {"pthid" if own_thread else "thid": opened.message["id"]}
        kind, body = "https://didcomm.org/report-problem/2.0/problem-report", {"code": "e.p.msg.not-found"}
        return await meeting.peer.pack(did, message(kind, body, sender=did, to=meeting.did, **thread), to=meeting.did)

    async with mailbox(meeting.machine, PEER, meeting.ports[PEER], take):
        with pytest.raises(AppError, match=r"reported a problem: e\.p\.msg\.not-found"):
            await meeting.authority.post("/v1/didcomm/pings", {"to": did})


async def test_one_agent_of_ours_asks_the_other(meeting: Meeting) -> None:
    asked = {"to": meeting.did, **question(meeting, "occupation=C7212;place=MLT;eqf=4")}
    answered = await meeting.asker.post("/v1/didcomm/questions", asked)
    assert answered["says_yes"] is True
    assert answered["answer"]["context"]["verdict"] == "TRUSTED"
    with pytest.raises(AppError, match=r"reported a problem: e\.p\.msg\.not-found"):
        await meeting.asker.post("/v1/didcomm/questions", asked | {"resource": "occupation=C7212;place=XXX"})


@pytest.mark.parametrize(("place", "code", "word"), [("MLT", 0, "yes"), ("FRA", 1, "no")])
async def test_the_command_asks_and_tells_the_answer_by_its_exit_code(
    meeting: Meeting, place: str, code: int, word: str
) -> None:
    asked = question(meeting, f"occupation=C7212;place={place};eqf=4")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "wanderbuch.agents.cli", "didcomm", "ask", meeting.did),
        *("--entity", asked["entity_id"], "--authority", asked["authority_id"], "--action", asked["action"]),
        *("--resource", asked["resource"], "--agent", meeting.asker.app_url),
        *("--token-file", str(meeting.asker.folder / "app.token")),
        stdout=asyncio.subprocess.PIPE,
    )
    told, _ = await process.communicate()
    assert (process.returncode, told.decode()) == (code, f"{word}, says {meeting.did}\n")


async def test_a_wallet_of_ours_asks_the_peers_registry_under_a_new_did_each_time(meeting: Meeting) -> None:
    did = await meeting.peer.new("X25519", f"https://{PEER}/didcomm")
    query = {"entity_id": CENTRE, "authority_id": did, "action": "issue", "resource": "certificate"}
    seen: list[str] = []

    async def take(packed: bytes) -> bytes | None:
        opened = await meeting.peer.unpack(packed)
        seen.append(opened.message["from"])
        body = {**opened.message["body"], "authorized": True}
        kind = f"{opened.message['type']}/response"
        told = message(kind, body, sender=did, to=seen[-1], thid=opened.message["id"])
        return await meeting.peer.pack(did, told, to=seen[-1])

    async with mailbox(meeting.machine, PEER, meeting.ports[PEER], take):
        for _ in range(2):
            answered = await meeting.wallet.post("/v1/didcomm/questions", {"to": did, **query})
            assert answered["says_yes"] is True
    assert len(set(seen)) == 2
    assert all(own.startswith("did:peer:2.") for own in seen)


async def test_a_wallet_of_ours_asks_our_authority(meeting: Meeting) -> None:
    asked = {"to": meeting.did, **question(meeting, "occupation=C7212;place=MLT;eqf=4")}
    assert (await meeting.wallet.post("/v1/didcomm/questions", asked))["says_yes"] is True


async def test_an_anonymous_ping_is_taken_and_has_nobody_to_answer(meeting: Meeting) -> None:
    packed = await meeting.peer.pack(None, message(PING, sender=None, to=meeting.did), to=meeting.did)
    assert (await meeting.post(packed))[0] == 202


async def test_nobody_asks_trqp_anonymously(meeting: Meeting) -> None:
    packed = await meeting.peer.pack(
        None, message(f"{TRQP}/query-authorization", sender=None, to=meeting.did), to=meeting.did
    )
    assert (await meeting.post(packed))[0] == 400


@pytest.mark.parametrize("answers", ["at once", "later"])
@pytest.mark.parametrize("curve", CURVES)
async def test_our_agent_pings_the_peer(meeting: Meeting, curve: str, answers: str) -> None:
    did = await meeting.peer.new(curve, f"https://{PEER}/didcomm")
    later: list[asyncio.Task[Any]] = []

    async def take(packed: bytes) -> bytes | None:
        opened = await meeting.peer.unpack(packed)
        assert (opened.is_authenticated, opened.message["type"]) == (True, PING)
        assert opened.message["from"] == meeting.did
        told = message(PING_RESPONSE, sender=did, to=meeting.did, thid=opened.message["id"])
        answer = await meeting.peer.pack(did, told, to=meeting.did)
        if answers == "at once":
            return answer
        later.append(asyncio.create_task(meeting.post(answer)))
        return None

    async with mailbox(meeting.machine, PEER, meeting.ports[PEER], take):
        answered = await meeting.authority.post("/v1/didcomm/pings", {"to": did})
        assert answered["did"] == did
        await asyncio.gather(*later)


async def test_our_agent_reaches_the_peer_behind_a_mediator(meeting: Meeting) -> None:
    """Routing 2.0: what the mediator opens is a `forward` with an envelope that it cannot open."""
    async with didcomm_peer() as mediator:
        mediator_did = await mediator.new("X25519", f"https://{MEDIATOR}/didcomm")
        did = await meeting.peer.new("P-256", f"https://{MEDIATOR}/didcomm", (f"{mediator_did}#key-1",))
        seen: list[str] = []

        async def forward(packed: bytes) -> bytes | None:
            outside = await mediator.unpack(packed)
            seen.append(outside.message["type"])
            assert (outside.is_authenticated, outside.message["body"]["next"]) == (False, did)
            inside = json.dumps(outside.message["attachments"][0]["data"]["json"]).encode()
            with pytest.raises(PeerError):
                await mediator.unpack(inside)
            opened = await meeting.peer.unpack(inside)
            told = message(PING_RESPONSE, sender=did, to=meeting.did, thid=opened.message["id"])
            await meeting.post(await meeting.peer.pack(did, told, to=meeting.did))
            return None

        async with mailbox(meeting.machine, MEDIATOR, meeting.ports[MEDIATOR], forward):
            assert (await meeting.authority.post("/v1/didcomm/pings", {"to": did}))["did"] == did
        assert seen == ["https://didcomm.org/routing/2.0/forward"]


async def test_the_peer_takes_our_invitation(meeting: Meeting) -> None:
    """An invitation's thread is the parent of what answers it."""
    invitation = await meeting.authority.post("/v1/didcomm/invitations", {"goal": "Ask who counts"})
    alice = await meeting.peer.new("X25519")
    packed = await meeting.peer.pack(
        alice, message(PING, sender=alice, to=invitation["did"], pthid=invitation["id"]), to=invitation["did"]
    )
    assert (await meeting.post(packed))[0] == 200


async def test_the_peer_writes_to_our_old_keys_for_a_while_and_to_our_new_ones(meeting: Meeting) -> None:
    alice = await meeting.peer.new("X25519")
    told = message(PING, sender=alice, to=meeting.did)
    on_its_way = await meeting.peer.pack(alice, told, to=meeting.did)
    rotated = await meeting.authority.post("/v1/didcomm/keys/rotate", {"keep_old_hours": 1})
    assert not rotated["waits_for_witnesses"]
    document = await document_of(meeting.authority, meeting.machine, meeting.session)
    assert document["keyAgreement"] == rotated["keys"]
    assert (await meeting.post(on_its_way))[0] == 200
    await meeting.peer.know(document)
    assert (await meeting.ask(alice, PING)).message["type"] == PING_RESPONSE
    to_the_second = await meeting.peer.pack(alice, told, to=meeting.did)
    await meeting.authority.post("/v1/didcomm/keys/rotate", {"keep_old_hours": 0})
    assert (await meeting.post(to_the_second))[0] == 400
    assert (await meeting.post(on_its_way))[0] == 200  # whose keys are kept for an hour
    await meeting.peer.know(await document_of(meeting.authority, meeting.machine, meeting.session))
    assert (await meeting.ask(alice, PING)).message["type"] == PING_RESPONSE
