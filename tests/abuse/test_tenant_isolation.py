"""Whatever of B's tenant A names (ids, tokens, links, threads, invitations, keys), it is told what it is told of none.

Generated from the route tables of the roles and from the table of message types: a route or a type that is added is
tried too. Compared are status, body and headers (but the date), with what was asked for put out of the text; and that
nothing at B has changed.
"""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import uuid4

import pytest
import pytest_asyncio
from acapy_agent.connections.models.conn_record import ConnRecord
from acapy_agent.core.profile import Profile
from acapy_agent.protocols.issue_credential.v2_0.models.cred_ex_record import V20CredExRecord
from acapy_agent.protocols.out_of_band.v1_0.models.oob_record import OobRecord
from acapy_agent.protocols.present_proof.v2_0.models.pres_exchange import V20PresExRecord
from acapy_agent.wallet.base import BaseWallet
from acapy_agent.wallet.key_type import ED25519
from aries_askar import Key, KeyAlg
from pydantic import BaseModel
from tests.abuse.test_unserved_types import AUTHOR
from tests.flow.tiny_role import TinyRole
from tests.unit.runtime.correspondents import Correspondent, connect, refuse_without_waiting, verkey_of

from wanderbuch.agents.authority.intake.case import ApplicationCase
from wanderbuch.agents.authority.joining.invitation import JoiningInvitation
from wanderbuch.agents.authority.role import AuthorityRole
from wanderbuch.agents.holder.role import HolderRole
from wanderbuch.agents.issuer.offers import Offer, open_offers, taken
from wanderbuch.agents.issuer.role import IssuerRole
from wanderbuch.agents.machine import AgentHandle, LocalMachine
from wanderbuch.agents.mediator.role import MediatorRole
from wanderbuch.agents.runtime.agent import RunningAgent, start
from wanderbuch.agents.runtime.app import Route
from wanderbuch.agents.runtime.config import load_config
from wanderbuch.agents.runtime.gate.served import TABLE
from wanderbuch.agents.runtime.own_applications import OwnApplication
from wanderbuch.agents.runtime.role import Role
from wanderbuch.agents.runtime.tenant import Tenant
from wanderbuch.agents.verifier.role import VerifierRole
from wanderbuch.plugins.exchange.channel import Channel
from wanderbuch.plugins.trust.verifying.exchange import Verification
from wanderbuch.store.entries import fetch_keys
from wanderbuch.store.schema import OF_A_TENANT
from wanderbuch.store.tables import tables_of

pytestmark = [pytest.mark.agents, pytest.mark.system, pytest.mark.asyncio(loop_scope="module")]

ROLES: Final[tuple[Role, ...]] = (
    IssuerRole(),
    HolderRole(),
    VerifierRole(),
    AuthorityRole(),
    MediatorRole(),
    TinyRole(),
)
SETTINGS: Final[dict[str, Any]] = {"issuer": {}, "holder": {}, "verifier": {}, "mediator": {}, "tiny": {}}
BODIES: Final[dict[str, dict[str, Any]]] = {
    "ConsentIn": {
        "because": "assisted",
        "relation": "helper",
        "consenting": "both",
        "given_on": "2026-01-05",
    },
    "OpenRowsIn": {"file": "{}"},
    "HandOverAnew": {"it_has_none": True},
    "AskedCentre": {"centre": AUTHOR},
    "NewTakeOver": {"file": "{}", "access": "pin"},
    "StapleIn": {"issuer": AUTHOR, "staple": "e30="},
    "NewSignature": {"kid": f"{AUTHOR}#key-1", "signature": "A" * 86},
    "Schedule": {"not_before": None},
    "NewRevocation": {"credentials": ["one"], "reason": "mistake"},
    "MailIn": {"remind_days": 7, "most_reminders": 1},
    "RowEdit": {"claim": {"credential_id": "1"}},
    "LastDay": {"claim_until": "2099-01-01T00:00:00Z"},
    "PolicyIn": {"document": {}, "revision": 0},
    "PresentIn": {"credential_id": "one"},
    "ProposalIn": {
        "decision": {"outcome": "refuse", "reason": "no", "redress": "https://authority.wanderbuch.test/appeals"},
        "revision": 0,
    },
}
"""Bodies of models that cannot be filled by the schema alone."""


@dataclass(frozen=True)
class Place:
    """A process with two tenants that have every role, and what is B's."""

    agent: RunningAgent
    handle: AgentHandle
    a: Tenant
    b: Tenant
    a_token: str
    b_token: str
    a_officials: tuple[str, ...]
    b_officials: tuple[str, ...]
    ids: dict[str, str]
    b_key: str
    b_friend: Correspondent

    def tokens_for(self, role: str) -> tuple[str, ...]:
        """Whoever may ask a role of A."""
        return (self.handle.token, self.a_token, *(self.a_officials if role == "authority" else ()))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    """The last test alone changes what there is."""
    machine = LocalMachine(tmp_path_factory.mktemp("isolation") / "machine")
    handle = machine.add("issuer", "Everybody", "all.wanderbuch.test")
    handle.configure(
        governance={"url": "https://authority.wanderbuch.test/governance/x", "author": AUTHOR},
        tenants={"roles": [role.name for role in ROLES]},
    )
    machine.reach("authority.wanderbuch.test", "127.0.0.1:9")
    handle.write_config()
    agent = await start(load_config(handle.config_path, {}, role=ROLES[0]), ROLES[0], further=ROLES[1:])
    try:
        await agent.wait_ready()
        refuse_without_waiting(agent)
        yield await settled(agent, handle)
    finally:
        await handle.stop()
        await agent.stop()


async def settled(agent: RunningAgent, handle: AgentHandle) -> Place:
    tokens, officials = {}, {}
    for tenant in ("a", "b"):
        roles = {**SETTINGS, "authority": {"ecosystem": f"land-{tenant}"}}
        made = await handle.post("/v1/tenants", {"id": tenant, "name": tenant, "roles": roles})
        tokens[tenant] = made["token"]
        people = [
            await handle.post(
                f"/v1/t/{tenant}/authority/officials", {"id": f"{role}-of-{tenant}", "name": role, "roles": [role]}
            )
            for role in ("editor", "approver")
        ]
        officials[tenant] = tuple(person["token"] for person in people)
    a, b = [await agent.tenants.enter(tenant) for tenant in ("a", "b")]
    await no_sweeps(agent)
    key = Key.generate(KeyAlg.ED25519)
    recipient, connection = await connect(b.profile, key)
    ids = await belongings(b, connection)
    ids["draft"] = await draft_of(handle, officials["b"][0])
    return Place(
        agent, handle, a, b, tokens["a"], tokens["b"], officials["a"], officials["b"], ids, recipient,
        Correspondent(agent, recipient, connection, key),
    )  # fmt: skip


async def no_sweeps(agent: RunningAgent) -> None:
    """Let nothing happen by itself: what changes is what was asked for."""
    for task in [task for task in agent._tasks if task.get_name() == "sweeper"]:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def belongings(b: Tenant, connection: str) -> dict[str, str]:
    """Give B one record of each kind that routes name, and return their ids."""
    soon = datetime.now(UTC) + timedelta(hours=1)
    invitation = str(uuid4())
    offered = V20CredExRecord(
        connection_id=connection, thread_id=str(uuid4()), state="offer-received", role="holder", initiator="external"
    )
    asked = V20PresExRecord(
        connection_id=connection, thread_id=str(uuid4()), state="request-received", role="prover", initiator="external"
    )
    open_invitation = OobRecord(
        state=OobRecord.STATE_AWAIT_RESPONSE,
        invi_msg_id=invitation,
        role=OobRecord.ROLE_SENDER,
        invitation={
            "@type": "https://didcomm.org/out-of-band/1.1/invitation",
            "@id": invitation,
            "handshake_protocols": ["https://didcomm.org/didexchange/1.1"],
            "services": [str(b.did)],
        },
        multi_use=True,
    )
    begun = ConnRecord(request_id=str(uuid4()), state="request", their_role="invitee")
    async with b.profile.session() as session:
        for record in (offered, asked, open_invitation, begun):
            await record.save(session)
    offer = Offer(
        credential_type="qualification/1.0",
        schema_id="x",
        cred_def_id="x",
        values={"family_name": "Perera"},
        governance_version=1,
        answer_by=soon,
        nonce="1",
    )
    await open_offers(b.profile).insert(offer)
    # As one that is kept; what it asks is not looked at here.
    verification = Verification.model_construct(  # type: ignore[call-arg]
        invitation_url="https://all.wanderbuch.test/?oob=e30",
        answer_by=soon,
    )
    await b.records(Verification).insert(verification)
    case = ApplicationCase.model_construct(applicant=AUTHOR)  # type: ignore[call-arg]
    await b.records(ApplicationCase).insert(case)
    invited = JoiningInvitation.model_construct(register_id="P01/0142")  # type: ignore[call-arg]
    await b.records(JoiningInvitation).insert(invited)
    own = OwnApplication.model_construct(jws="x")  # type: ignore[call-arg]
    await b.records(OwnApplication).insert(own)
    link = await b.short_links.add("https://all.wanderbuch.test/?oob=e30")
    return {
        "offer": offer.id,
        "offered": str(offered.cred_ex_id),
        "asked": str(asked.pres_ex_id),
        "thread": offer.thread_id,
        "asked thread": str(asked.thread_id),
        "handshake": str(begun.request_id),
        "invitation": invitation,
        "verification": verification.id,
        "application": case.id,
        "own application": own.id,
        "joining invitation": invited.id,
        "connection": connection,
        "link": link.rpartition("/")[2],
        "official": "editor-of-b",
    }


async def draft_of(handle: AgentHandle, token: str) -> str:
    headers = {"Authorization": f"Bearer {token}"}
    url = f"{handle.app_url}/v1/t/b/authority/drafts"
    async with handle.app.session.post(url, json={"why": "B's own"}, headers=headers) as response:
        assert response.status == 201, await response.text()
        return str((await response.json())["id"])


async def state_of(tenant: Tenant) -> tuple[list[Any], list[Any]]:
    """All that is kept of a tenant."""
    profile: Profile = tenant.profile
    entries = [
        (entry.category, entry.name, bytes(entry.value), tuple(sorted(entry.tags.items())))
        async for entry in profile.store.scan(None, profile=tenant.id)
    ]
    async with profile.session() as session:
        keys = [entry.name for entry in await fetch_keys(session.handle)]
    engine = tables_of(profile).engine
    lines = [
        await engine.run(f"SELECT * FROM {table} WHERE tenant = ?", tenant.id)  # noqa: S608
        for table in OF_A_TENANT
        if table != "built"
    ]
    return sorted(entries) + sorted(keys), lines


def body_of(model: type[BaseModel]) -> dict[str, Any]:
    """A body that the model takes."""
    if model.__name__ in BODIES:
        told = BODIES[model.__name__]
    else:
        schema = model.model_json_schema()
        told = {name: filled(schema["properties"][name], schema) for name in schema.get("required", ())}
    model.model_validate_json(json.dumps(told))
    return told


def filled(field: dict[str, Any], schema: dict[str, Any]) -> Any:
    if "$ref" in field:
        return filled(schema["$defs"][field["$ref"].rpartition("/")[2]], schema)
    if "enum" in field:
        return field["enum"][0]
    match field.get("type"):
        case "integer" | "number":
            return field.get("minimum", 1)
        case "boolean":
            return True
        case "array":
            return [filled(field["items"], schema)] * field.get("minItems", 0)
        case "object":
            return {}
        case _:
            return "x" * max(1, field.get("minLength", 0))


@dataclass(frozen=True)
class Answer:
    """What was answered, without what was asked for."""

    status: int
    headers: frozenset[tuple[str, str]]
    body: str


async def ask(place: Place, method: str, path: str, told: Any, *, token: str, named: str) -> Answer:
    headers = {"Authorization": f"Bearer {token}"}
    url = f"{place.handle.app_url}{path}"
    async with place.handle.app.session.request(method, url, json=told, headers=headers) as response:
        body = (await response.text()).replace(named, "<named>")
        kept = frozenset(
            (name.lower(), value)
            for name, value in response.headers.items()
            if name.lower() not in {"date", "content-length"}
        )
        return Answer(response.status, kept, body)


def routes() -> list[tuple[str, Route]]:
    return [(role.name, route) for role in ROLES for route in role.routes()]


async def test_another_tenants_ids_are_answered_like_ids_that_do_not_exist(place: Place) -> None:
    before = await state_of(place.b)
    tried, differing = 0, []
    for role, route in routes():
        if "{" not in route.path:
            continue
        told = body_of(route.body) if route.body else None
        for token in place.tokens_for(role):
            answered = partial(answer_for, place, (role, route), told, token)
            likes = {len(named): await answered(like_it(named)) for named in unlike(place.ids.values())}
            for what, named in place.ids.items():
                answers = await answered(named), likes[len(named)]
                tried += 1
                if answers[0] != answers[1]:
                    differing.append((role, route.method, route.path, what, answers))
    assert differing == []
    assert tried > 500
    assert await state_of(place.b) == before


async def answer_for(place: Place, at: tuple[str, Route], told: Any, token: str, named: str) -> Answer:
    """Return what a route of A answers to whoever names this."""
    role, route = at
    return await ask(place, route.method, f"/v1/t/a/{role}{filled_path(route, named)}", told, token=token, named=named)


def filled_path(route: Route, value: str) -> str:
    head, brace, rest = route.path.partition("{")
    assert brace
    return f"{head}{value}{rest.partition('}')[2]}"


def unlike(names: Iterable[str]) -> list[str]:
    """Return one name of each form."""
    return list({len(name): name for name in names}.values())


def like_it(named: str) -> str:
    """A name of the same form that nobody has."""
    if len(named) == len(str(uuid4())):
        return str(uuid4())
    return secrets.token_urlsafe(12) if len(named) == 16 else secrets.token_hex(len(named) // 2)


async def test_the_ids_are_ones_that_b_is_told_of(place: Place) -> None:
    """So that what is refused to A is there: each kind is found by its owner."""
    at_b = {
        "issuer/offers": place.ids["offer"],
        "tiny/connections": place.ids["connection"],
    }
    for path, named in at_b.items():
        answer = await ask(place, "GET", f"/v1/t/b/{path}/{named}", None, token=place.b_token, named=named)
        assert answer.status == 200, (path, answer)
    headers = {"Authorization": f"Bearer {place.b_officials[0]}"}
    url = f"{place.handle.app_url}/v1/t/b/authority/drafts/{place.ids['draft']}"
    async with place.handle.app.session.get(url, headers=headers) as response:
        assert response.status == 200


async def test_lists_hold_nothing_of_another_tenants(place: Place) -> None:
    for role, route in routes():
        if route.method != "GET" or "{" in route.path:
            continue
        for token in place.tokens_for(role):
            answer = await ask(place, "GET", f"/v1/t/a/{role}{route.path}", None, token=token, named="\0")
            leaked = [what for what, named in place.ids.items() if named in answer.body]
            assert leaked == [], (role, route.path)


async def test_another_tenants_token_is_a_wrong_token(place: Place) -> None:
    for tenant in ("a", "b"):  # the index of who has a token is made when it is first needed
        await ask(place, "GET", f"/v1/t/{tenant}/tiny/pings", None, token="x" * 43, named="\0")
    before = await state_of(place.a), await state_of(place.b)
    for role, route in routes():
        told = body_of(route.body) if route.body and "{" in route.path else None
        path = filled_path(route, "x") if "{" in route.path else route.path
        answers = {
            await ask(place, route.method, f"/v1/t/{tenant}/{role}{path}", told, token=token, named="\0")
            for tenant, token in (
                *(("a", token) for token in (place.b_token, *place.b_officials, "x" * 43)),
                *(("b", token) for token in (place.a_token, *place.a_officials)),
                *(("nobody", token) for token in (place.a_token, place.b_token, *place.b_officials)),
                *(("default", token) for token in (place.a_token, *place.a_officials)),
            )
        }
        assert len(answers) == 1, (role, route.path, answers)
        assert answers.pop().status == 401
    assert (await state_of(place.a), await state_of(place.b)) == before


async def test_a_key_of_another_tenants_call_is_met_by_nobody(place: Place) -> None:
    """Neither its answer, a secret here, nor that it was used is learnt; not by the operator's own calls either."""
    key = "8e03978e-40d5-43dd-bc93-6894a57f9324"

    async def make(tenant: str, token: str, name: str) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
        url, told = f"{place.handle.app_url}/v1/t/{tenant}/webhooks", {"url": f"https://{name}.wanderbuch.test/hook"}
        async with place.handle.app.session.post(url, json=told, headers=headers) as response:
            assert response.status == 201, await response.text()
            return dict(await response.json())

    callers = [("b", place.b_token, "b"), ("a", place.a_token, "a"), ("a", place.handle.token, "operator")]
    made = [await make(*caller) for caller in callers]
    assert len({call["id"] for call in made}) == len({call["secret"] for call in made}) == 3
    assert [await make(*caller) for caller in callers] == made


def message(name: str, *, thread: str, parent: str | None, own_id: str = "1") -> dict[str, Any]:
    told = {"thid": thread} if parent is None else {"thid": thread, "pthid": parent}
    return {"@type": f"https://didcomm.org/{name}", "@id": own_id, "~thread": told}


async def test_messages_that_name_what_is_another_tenants_are_answered_like_those_that_name_nothing(
    place: Place,
) -> None:
    async with place.a.profile.session() as session:
        ours = (await session.inject(BaseWallet).create_key(ED25519)).verkey
    stranger = Correspondent(place.agent, ours)
    to_a = Correspondent(place.agent, ours, None, place.b_friend.key)  # who is connected with B writes to A
    before = await state_of(place.b)
    threads = [
        place.ids[what] for what in ("thread", "asked thread", "handshake", "verification", "offer", "connection")
    ]
    receive = place.agent._transport.receive
    for name in TABLE:
        for sender in (stranger, to_a):
            known = [
                message(name, thread=thread, parent=parent, own_id=own_id)
                for thread in threads
                for parent in (None, place.ids["invitation"])
                for own_id in ("1", place.ids["handshake"])
            ]
            nothing = message(name, thread=str(uuid4()), parent=str(uuid4()), own_id=str(uuid4()))
            answers = [await receive(sender.envelope(sent)) for sent in (*known, nothing)]
            assert {(answer.status, answer.body) for answer in answers} == {(400, None)}, name
    assert await state_of(place.b) == before


async def test_the_same_messages_are_taken_where_they_belong(place: Place) -> None:
    """So that what is refused above is refused for being another tenant's, and for nothing else."""
    receive = place.agent._transport.receive
    ping = message("trust_ping/1.0/ping", thread="1", parent=None)
    assert (await receive(place.b_friend.envelope(ping))).status == 200
    unknown = Correspondent(place.agent, place.b_key)
    request = message("didexchange/1.1/request", thread="1", parent=place.ids["offer"])
    assert (await receive(unknown.envelope(request))).status == 200
    ack = message("issue-credential/2.0/ack", thread=place.ids["thread"], parent=None)
    assert (await receive(unknown.envelope(ack))).status == 400  # not from the wallet that has the offer
    taken_by = Channel(place.b_key, verkey_of(place.b_friend.key), "https://phone.wanderbuch.test/d")
    await open_offers(place.b.profile).add(place.ids["offer"], "taken", taken(taken_by))
    assert (await receive(place.b_friend.envelope(ack))).status == 200
