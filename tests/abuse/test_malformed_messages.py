"""A malformed message of any type that we handle gets a problem report or silence: never a record, never a 500.

It comes by the transport of a running agent, over a live connection or with another's key, and names an exchange or an
invitation that is open, or nothing of ours. An open exchange may end by it, as by any word of who has it, without a
credential and without trust. Exceptions that nobody expected would stand in the log as errors. For each role a good
neighbour leaves a record: else all of this would hold for an agent that hears nothing. Messages are drawn anew for each
commit.
"""

import asyncio
import base64
import importlib
import json
import logging
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from tests.abuse.from_schema import conforming, violating
from tests.abuse.live import OPENED, Live, question_members
from tests.abuse.malformed import malformed
from tests.abuse.message_schemas import SCHEMAS, breaks, schema_of
from tests.thorough import drawn, examples
from tests.unit.runtime.correspondents import (
    Correspondent,
    connected_to,
    known_on_our_path,
    refill_budgets_at_once,
    refuse_without_waiting,
    verkey_of,
)

from wanderbuch.agents.machine import LocalMachine
from wanderbuch.agents.runtime.agent import RunningAgent, start
from wanderbuch.agents.runtime.config import load_config
from wanderbuch.agents.runtime.role import Role
from wanderbuch.plugins.exchange import credential_messages, proof_messages
from wanderbuch.plugins.exchange.connecting import messages as handshakes
from wanderbuch.plugins.exchange.connecting.peer_dids import OwnPeer, fresh_peer
from wanderbuch.plugins.exchange.endorsing import messages as endorsing
from wanderbuch.plugins.exchange.left_out import MayBeLeftOut
from wanderbuch.plugins.exchange.reports import problem_report
from wanderbuch.store.record import new_id

pytestmark = [pytest.mark.agents, pytest.mark.system]

AUTHOR = "did:webvh:QmZiyaPNtfWPaFz7oF3NcAyM85zq7yx6oNrrrzSRxqVnPj:authority.wanderbuch.test:org"
ROLES = ("issuer", "holder", "verifier")
NOWHERE = "0c2f8a52-11d1-4f0e-8a4b-1a1b1c1d1e1f"
EXAMPLES_A_TYPE = 160
ENDS: Final[Mapping[str, frozenset[str]]] = {
    "issuer": frozenset({"OPEN", "DECLINED", "REFUSED"}),
    "verifier": frozenset({"OPEN", "DECLINED", "DECIDED"}),
    "holder": frozenset({"OPEN", "REFUSED_BY_VERIFIER"}),
}
"""How an open exchange may stand after a malformed message; `DECIDED` is without trust."""
REPORTS = ("/problem-report", "/problem_report")
DRAWN_BY = drawn("malformed messages").getrandbits(64)

type Entries = dict[tuple[str, str], bytes]


class Errors(logging.Handler):
    """What was logged as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.name}: {record.getMessage()} {record.exc_info}")


@dataclass(frozen=True, slots=True, repr=False)
class Scene:
    """A role that runs, and who writes to it: somebody with a connection, and who only knows the same key.

    Args:
        stranger_peer: the DID that the stranger's key is of.
        lives: what is open, at most one.
    """

    role: str
    agent: RunningAgent
    peer: Correspondent
    stranger: Correspondent
    stranger_peer: OwnPeer
    lives: list[Live] = field(default_factory=list)

    async def send(self, content: bytes, *, is_strangers: bool) -> tuple[int, str | None]:
        """Send a message; return the status, and the type of the message that comes back, if one does."""
        sender = self.stranger if is_strangers else self.peer
        answer = await self.agent._transport.receive(sender.envelope(content))
        if not answer.body:
            return answer.status, None
        return answer.status, json.loads(sender.opened(bytes(answer.body)))["@type"]  # type: ignore[arg-type]

    async def says(
        self, kind: str, message: Mapping[str, Any], *, is_strangers: bool = False
    ) -> tuple[int, str | None]:
        """Send a good message."""
        told = {
            "@id": new_id(),
            **message,
            "@type": f"https://didcomm.org/{kind}",
            "~transport": {"return_route": "all"},
        }
        return await self.send(json.dumps(told).encode(), is_strangers=is_strangers)

    async def entries(self) -> Entries:
        """Return all that the store holds, once nothing is in flight."""
        async with asyncio.timeout(30):
            while self.agent._transport.in_flight:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        return {(entry.category, entry.name): bytes(entry.value) async for entry in self.agent.profile.store.scan(None)}

    async def open(self) -> Live:
        """Return exchanges of this role that are open: those of before, unless they have ended."""
        if not self.lives or await self.lives[-1].state() != "OPEN":
            self.lives[:] = [await OPENED[self.role](self.agent, self.peer)]
        return self.lives[-1]


def role_named(name: str) -> Role:
    role: Role = importlib.import_module(f"wanderbuch.agents.{name}.role").ROLE
    return role


def cases() -> list[Any]:
    return [
        pytest.param(name, kind, id=f"{name}-{kind}") for name in ROLES for kind in sorted(role_named(name).handlers)
    ]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scenes(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, Scene]]:
    """Every role that handles messages itself; no authority can be reached, which keeps nobody from receiving."""
    machine = LocalMachine(tmp_path_factory.mktemp("machine"))
    machine.reach("authority.wanderbuch.test", "127.0.0.1:9")
    running: dict[str, Scene] = {}
    for name in [role_name for role_name in ROLES if role_named(role_name).handlers]:
        role, handle = role_named(name), machine.add(name, "Somebody", f"{name}.wanderbuch.test")
        handle.configure(governance={"url": "https://authority.wanderbuch.test/governance/x", "author": AUTHOR})
        handle.write_config()
        agent = await start(load_config(handle.config_path, {}, role=role), role)
        await agent.wait_ready()
        refuse_without_waiting(agent)
        refill_budgets_at_once(agent)
        peer = await connected_to(agent)
        of_stranger = fresh_peer("https://stranger.wanderbuch.test")
        stranger = Correspondent(agent, peer.recipient, key=of_stranger.key)
        running[name] = Scene(name, agent, peer, stranger, of_stranger)
        await known_on_our_path(peer)
    yield running
    for scene in running.values():
        await scene.agent.stop()


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("name", "kind"), cases())
@seed(DRAWN_BY)
@settings(
    max_examples=examples(EXAMPLES_A_TYPE),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much],
    derandomize=False,
    database=None,
)
@given(data=st.data())
async def test_malformed_message_gets_a_report_or_silence_and_leaves_nothing(
    scenes: dict[str, Scene], name: str, kind: str, data: st.DataObject
) -> None:
    scene, errors = scenes[name], Errors()
    live = await scene.open()
    message = data.draw(
        malformed(
            kind,
            threads=(NOWHERE, "t", live.thread),
            invitations=(NOWHERE, live.invitation or "t"),
            members={"did": scene.stranger_peer.did},
        )
    )
    before = await scene.entries()
    logging.getLogger().addHandler(errors)
    try:
        status, answer = await scene.send(message.content, is_strangers=message.is_strangers)
        after = await scene.entries()
    finally:
        logging.getLogger().removeHandler(errors)
    assert status in (200, 400)
    assert answer is None or answer.endswith(REPORTS), answer
    changed = {at for at in before.keys() | after.keys() if before.get(at) != after.get(at)}
    assert {at for at in changed if not at[1].startswith(live.ids)} == set()
    assert await live.state() in ENDS[name]
    assert errors.lines == []


# Good neighbours


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("name", "kind", "is_strangers"),
    [
        ("issuer", credential_messages.PROBLEM, False),
        ("verifier", proof_messages.PROBLEM, True),
        ("holder", proof_messages.PROBLEM, False),
    ],
)
async def test_a_good_neighbour_ends_the_exchange_that_it_names(
    scenes: dict[str, Scene], name: str, kind: str, *, is_strangers: bool
) -> None:
    scene = scenes[name]
    live = await scene.open()
    before = await scene.entries()
    report = problem_report(kind, thread_id=live.thread, code="abandoned", text="No.")
    assert await scene.says(kind, report, is_strangers=is_strangers) == (200, None)
    new = (await scene.entries()).keys() - before.keys()
    assert new
    assert all(at[1].startswith(live.ids) for at in new)
    assert await live.state() == ("REFUSED_BY_VERIFIER" if name == "holder" else "DECLINED")


@pytest.mark.asyncio(loop_scope="module")
async def test_a_good_neighbour_takes_the_invitation_that_it_names(scenes: dict[str, Scene]) -> None:
    scene = scenes["issuer"]
    live = await scene.open()
    request_id = new_id()
    assert live.invitation is not None
    request = handshakes.request_message(
        protocol="didexchange/1.1",
        request_id=request_id,
        invitation_id=live.invitation,
        label="Somebody",
        did=scene.stranger_peer.did,
    )
    status, answer = await scene.says("didexchange/1.1/request", request, is_strangers=True)
    assert (status, answer) == (200, "https://didcomm.org/didexchange/1.1/response")
    office: Any = scene.agent.tenant.offices["issuer"]
    offer = await office.desk.get(live.invitation)
    assert offer.wallet.their_key == verkey_of(scene.stranger.key)


@pytest.mark.asyncio(loop_scope="module")
async def test_good_neighbours_are_offered_and_asked(scenes: dict[str, Scene]) -> None:
    scene = scenes["holder"]
    before = await scene.entries()
    assert (await scene.says(proof_messages.REQUEST, question_members()))[0] == 200
    offer = credential_messages.offer_message(
        message_id=new_id(), invitation_id=None, values={"occupation_isco08": "C7212"}, offer_json='{"schema_id": "s"}'
    )
    assert (await scene.says(credential_messages.OFFER, offer))[0] == 200
    new = {category for category, _ in (await scene.entries()).keys() - before.keys()}
    assert {"wanderbuch.held_offer", "wanderbuch.received-request"} <= new


# The schemas themselves


def test_every_type_that_we_handle_has_a_schema() -> None:
    handled = {kind for name in ROLES for kind in role_named(name).handlers}
    assert handled
    assert {f"{kind.split('/')[0]}/{kind.split('/')[2]}" for kind in handled} <= set(SCHEMAS)


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
@given(data=st.data())
@settings(max_examples=examples(60))
def test_what_conforms_and_what_breaks_a_rule_is_told_apart(schema: Mapping[str, Any], data: st.DataObject) -> None:
    assert not breaks(schema, data.draw(conforming(schema)))
    assert breaks(schema, data.draw(violating(schema)))


def own_messages() -> list[dict[str, Any]]:
    """Return messages as our agents send them."""
    text, thread = json.dumps({"nonce": "1"}), "t"
    peer = fresh_peer("https://peer.wanderbuch.test")
    handshake = {"protocol": "didexchange/1.1", "request_id": "r", "invitation_id": "i"}
    return [
        handshakes.request_message(**handshake, label="l", did=peer.did),  # type: ignore[arg-type]
        handshakes.response_message(**handshake, did=peer.did, key=peer.key, invitation_key=peer.name),  # type: ignore[arg-type]
        handshakes.complete_message(**handshake),  # type: ignore[arg-type]
        handshakes.reuse_message(reuse_id="r", invitation_id="i"),
        credential_messages.request_message(thread_id=thread, request_json=text),
        credential_messages.issue_message(thread_id=thread, credential_json=text),
        credential_messages.ack_message(thread_id=thread),
        credential_messages.offer_message(message_id="m", invitation_id="i", values={"a": "1"}, offer_json=text),
        proof_messages.request_message(message_id="m", proof_request_json=text),
        proof_messages.request_message(
            message_id="m", proof_request_json=text, may_be_left_out=MayBeLeftOut(("a",), "2")
        ),
        proof_messages.presentation_message(thread_id=thread, invitation_id=None, proof_json=text, service=None),
        proof_messages.ack_message(thread_id=thread),
        problem_report(proof_messages.PROBLEM, thread_id=thread, code="c", text="t"),
        endorsing.job_message(),
    ]


@pytest.mark.parametrize("message", own_messages(), ids=lambda message: message["@type"].partition("org/")[2])
def test_what_our_agents_send_conforms(message: dict[str, Any]) -> None:
    assert not breaks(schema_of(message["@type"].partition("org/")[2]), message)


def test_a_message_with_a_member_twice_in_what_is_attached_breaks_its_schema() -> None:
    schema, asked = schema_of(proof_messages.REQUEST), question_members()
    assert not breaks(schema, asked)
    asked["request_presentations~attach"][0]["data"]["base64"] = base64.b64encode(b'{"a":1,"a":2}').decode()
    assert breaks(schema, asked)
