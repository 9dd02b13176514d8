"""A real authority agent: officials, drafts, four eyes, publication, schedule, suspension, rotation, history."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.flow.person import Person
from tests.prepared import start_prepared

from wanderbuch.agents.machine import AgentHandle, AppError, LocalMachine
from wanderbuch.governance.facts.file import Status
from wanderbuch.governance.facts.identifiers import Did, WebvhDid
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.signed.history import Head, entries_match, read_entries
from wanderbuch.governance.signed.merkle import leaf_hash, verify_consistency, verify_inclusion
from wanderbuch.plugins.http.addresses import ConnectionMap
from wanderbuch.plugins.http.edge import HttpEdge, HttpEdgeConfig
from wanderbuch.plugins.http.errors import StatusError
from wanderbuch.plugins.trust.following.source import GovernanceSource, GovernanceSourceConfig
from wanderbuch.plugins.webvh.approval import approve as approve_entry
from wanderbuch.plugins.webvh.approval import examine
from wanderbuch.plugins.webvh.documents import WebvhDocuments
from wanderbuch.plugins.webvh.keys import to_multikey
from wanderbuch.plugins.webvh.memory import InMemoryLogMemory

pytestmark = [pytest.mark.agents, pytest.mark.asyncio(loop_scope="module")]

ECOSYSTEM = "lanka"
CENTRE = "did:webvh:QmXk3Zx9bFBqDGUNqLyXSWEUC3xgjUN1JwPj9pyAGGxVcT:centre.example.test:org"
REDRESS = "mailto:appeals@authority.example.test"


@dataclass
class Place:
    """The authority, its officials and a consumer with a perfect memory."""

    agent: AgentHandle
    operator: Person
    editor: Person
    approver: Person
    second: Person
    about: dict[str, Any]
    edge: HttpEdge
    source: GovernanceSource
    documents: WebvhDocuments

    async def read(self) -> GovernanceSnapshot:
        """Return what a consumer may rest on now."""
        await self.source.refresh()
        snapshot = self.source.snapshot()
        assert snapshot is not None
        assert snapshot.is_fresh(datetime.now(UTC))
        return snapshot

    async def public(self, path: str) -> bytes:
        fetched = await self.edge.get(f"{self.about['governance_url']}/{path}", max_bytes=1 << 20, timeout_s=5)
        assert fetched.status == 200, path
        return fetched.body

    async def published(self, why: str, **edit: Any) -> dict[str, Any]:
        """Walk a draft from opening to approval."""
        draft = await self.editor.post("/drafts", {"why": why})
        await self.editor.call("PATCH", f"/drafts/{draft['id']}", edit)
        draft = await self.editor.post(f"/drafts/{draft['id']}/submit")
        done: dict[str, Any] = await self.approver.post(
            f"/drafts/{draft['id']}/approve", {"revision": draft["revision"]}
        )
        return done


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    machine = LocalMachine(tmp_path_factory.mktemp("machine"), start_child=start_prepared)
    agent = machine.add(
        "authority",
        "Authority of Lanka",
        "authority.wanderbuch.test",
        authority={"ecosystem": ECOSYSTEM, "redress": REDRESS, "trqp": {"enabled": True}},
    )
    edge = HttpEdge(HttpEdgeConfig(connect=ConnectionMap.parse(machine.connections()), ca_file=machine.ca_file))
    try:
        await agent.start()
        about = await agent.get("/identity")
        people = []
        for name, roles in (("ed", ["editor"]), ("ann", ["approver"]), ("bo", ["editor", "approver"])):
            added = await agent.post("/officials", {"id": name, "name": name.title(), "roles": roles})
            people.append(Person(agent, added["token"]))
        documents = WebvhDocuments(edge, InMemoryLogMemory(), lifetime_s=0.01)
        source = GovernanceSource(
            GovernanceSourceConfig(url=about["governance_url"], author=Did.parse(about["did"])),
            edge=edge,
            resolve_key=documents.assertion_key,
        )
        place = Place(agent, Person(agent, agent.token), *people, about, edge, source, documents)  # type: ignore[call-arg]
        await place.published("first version", header=header(about), records={CENTRE: centre(1)})
        yield place
    finally:
        await edge.close()
        await machine.stop()


async def asked(place: Place, **members: str) -> dict[str, Any]:
    """Ask by TRQP, as a stranger does."""
    query = {"authority_id": place.about["did"], "entity_id": CENTRE, "action": "issue"} | members
    url = f"{place.about['governance_url'].partition('/governance')[0]}/trqp/2.0/authorization"
    body = json.dumps(query).encode()
    fetched = await place.edge.post(url, body, content_type="application/json", max_bytes=1 << 16, timeout_s=5)
    document: dict[str, Any] = json.loads(fetched.body)
    return document


def header(about: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": "Skills of Lanka (example)",
        "schemas": [{"id": about["schemas"]["qualification/1.0"], "name": "qualification/1.0"}],
    }


def centre(*numbers: int, name: str = "Colombo Welding Centre") -> dict[str, Any]:
    return {
        "did": CENTRE,
        "description": {"name": name},
        "accreditations": [
            {
                "id": f"TVEC-{number}",
                "credential_types": ["qualification/1.0"],
                "sources": [f"anoncreds:{CENTRE}/resources/zQm{'C' * 44}"],
                "occupations": ["C7212"],
                "level_range": {"framework": "EQF", "min": "2", "max": "4"},
                "jurisdictions": ["LKA", "MLT"],
                "intervals": [{"start": "2024-01-01"}],
                "accreditingAgent": {"name": "Training authority (example)"},
                "decision": "https://authority.example.test/decisions/1",
            }
            for number in numbers
        ],
    }


async def test_a_consumer_reads_what_two_officials_decided(place: Place) -> None:
    file = (await place.read()).file
    assert file.participant_name(Did.parse(CENTRE)) == "Colombo Welding Centre"
    assert [accreditation.redress for accreditation in file.accreditations] == [REDRESS]


async def test_a_wanderer_between_roles_is_refused_at_each_door(place: Place) -> None:
    draft = await place.second.post("/drafts", {"why": "mine alone"})
    await place.second.call("PATCH", f"/drafts/{draft['id']}", {"header": {"description": "by one"}})
    draft = await place.second.post(f"/drafts/{draft['id']}/submit")
    approval = f"/drafts/{draft['id']}/approve", {"revision": draft["revision"]}
    for person, status in (
        (place.second, 403),  # four eyes
        (place.editor, 403),  # no approver
        (place.operator, 403),  # no part in drafts
        (Person(place.agent, "x" * 40), 401),
    ):
        with pytest.raises(AppError) as refused:
            await person.post(*approval)
        assert refused.value.status == status
    with pytest.raises(AppError) as whole:
        await place.operator.post("/versions", {"payload": {}})
    assert whole.value.status == 409
    with pytest.raises(AppError) as hiring:
        await place.approver.post("/officials", {"id": "friend", "name": "Friend", "roles": ["approver"]})
    assert hiring.value.status == 403
    rejected = await place.approver.post(f"/drafts/{draft['id']}/reject", {"why": "not needed"})
    assert rejected["state"] == "REJECTED"


async def test_a_mistake_comes_back_with_its_place_and_how_to_correct_it(place: Place) -> None:
    draft = await place.editor.post("/drafts", {"why": "wrong"})
    wrong = centre(1)
    wrong["accreditations"][0]["occupations"] = ["C9999"]
    await place.editor.call("PATCH", f"/drafts/{draft['id']}", {"records": {CENTRE: wrong}})
    with pytest.raises(AppError) as refused:
        await place.editor.post(f"/drafts/{draft['id']}/submit")
    assert refused.value.problem["findings"][0]["rule"] == "occupation-known"
    findings = (await place.editor.get(f"/drafts/{draft['id']}/findings"))["items"]
    assert refused.value.problem["findings"] == [finding for finding in findings if finding["severity"] == "error"]
    difference = (await place.editor.get(f"/drafts/{draft['id']}/diff"))["items"][0]
    assert (difference["kind"], difference["key"], difference["conflict"]) == ("record", CENTRE, False)
    with pytest.raises(AppError) as not_hers:
        await place.second.post(f"/drafts/{draft['id']}/discard")
    assert not_hers.value.status == 403
    for _ in range(2):
        assert (await place.editor.post(f"/drafts/{draft['id']}/discard"))["state"] == "DISCARDED"
    with pytest.raises(AppError) as gone:
        await place.editor.post(f"/drafts/{draft['id']}/rebase", {})
    assert gone.value.status == 409


async def test_what_is_due_later_is_published_then(place: Place) -> None:
    before = (await place.read()).file.version
    draft = await place.editor.post("/drafts", {"why": "from now on"})
    await place.editor.call("PATCH", f"/drafts/{draft['id']}", {"header": {"description": "New rules"}})
    due = datetime.now(UTC) + timedelta(seconds=8)  # five calls are made before
    await place.editor.post(f"/drafts/{draft['id']}/schedule", {"not_before": due.isoformat()})
    draft = await place.editor.post(f"/drafts/{draft['id']}/submit")
    body = {"revision": draft["revision"], "digest": draft["digest"]}
    with pytest.raises(AppError) as other:
        await place.approver.post(f"/drafts/{draft['id']}/approve", body | {"digest": "sha256:00"})
    assert other.value.status == 409
    waiting = await place.approver.post(f"/drafts/{draft['id']}/approve", body)
    assert (waiting["state"], (await place.read()).file.version) == ("SCHEDULED", before)
    await place.agent.stop()  # the next start does what is due
    await asyncio.sleep(max(0.0, (due - datetime.now(UTC)).total_seconds()))
    await place.agent.start()
    done = await place.editor.get(f"/drafts/{draft['id']}")
    file = (await place.read()).file
    assert (done["state"], done["version"], file.description) == ("PUBLISHED", file.version, "New rules")
    [changed] = (await place.editor.get(f"/drafts/{draft['id']}/diff"))["items"]
    assert (changed["key"], changed["before"], changed["after"]) == ("description", None, "New rules")


async def test_an_issuer_is_suspended_in_one_action_and_the_file_says_so_at_once(place: Place) -> None:
    version = (await place.read()).file.version
    body = {"issuer": CENTRE, "why": "assessments were not supervised", "id": "a" * 32}
    first = await place.approver.post("/suspensions", body)
    assert await place.approver.post("/suspensions", body) == first
    file = (await place.read()).file
    assert (first["draft"]["state"], file.version) == ("PUBLISHED", version + 1)
    assert [accreditation.status for accreditation in file.accreditations] == [Status.SUSPENDED]
    waiting = (await place.second.get("/reviews", state="OPEN"))["items"]
    assert [draft["id"] for draft in waiting] == [first["review"]["id"]]
    close = f"/reviews/{waiting[0]['id']}/close", {"finding": "to-be-lifted", "note": "the supervisor was there"}
    with pytest.raises(AppError) as refused:
        await place.approver.post(*close)
    assert refused.value.status == 403
    assert (await place.second.post(*close))["state"] == "CLOSED"
    record = (await place.editor.get("/record", did=CENTRE))["record"]
    today = datetime.now(UTC).date().isoformat()
    lifted = {"status": "active", "decided_on": today, "effective_from": today, "reason": "supervised again"}
    record["accreditations"][0]["status"].append(lifted)
    await place.published("lifted after review", records={CENTRE: record})
    assert [accreditation.status for accreditation in (await place.read()).file.accreditations] == [Status.ACTIVE]


async def test_after_a_rotation_a_consumer_goes_on_with_the_new_key_and_the_old_one_counts_for_nothing(
    place: Place,
) -> None:
    before = await place.read()
    stranger_sees = await place.public("current.jws")
    body = {"why": "yearly change", "id": "b" * 32}
    done = await place.operator.post("/keys/rotate", body)
    assert await place.operator.post("/keys/rotate", body) == done
    after = await place.read()
    assert (done["state"], after.file.version) == ("PUBLISHED", before.file.version + 1)
    assert (await place.public("current.jws")).partition(b".")[0] != stranger_sees.partition(b".")[0]
    with pytest.raises(AppError) as refused:
        await place.approver.post("/keys/rotate", {"why": "mine"})
    assert refused.value.status == 403


async def test_everybody_can_check_that_the_history_only_grew(place: Place) -> None:
    old = Head(**json.loads(await place.public("history/head")))
    await place.published("one more", header={"docs_uri": "https://authority.example.test/docs"})
    snapshot = await place.read()
    head = Head(**json.loads(await place.public("history/head")))
    entries = read_entries(await place.public("history/entries.jsonl"), size=head.size)
    assert entries_match(entries, head)
    grown = json.loads(await place.public(f"history/consistency?from={old.size}&to={head.size}"))
    proof = [bytes.fromhex(digest) for digest in grown["proof"]]
    assert verify_consistency(old.size, head.size, old.root_hash, head.root_hash, proof)
    last = entries[-1]
    assert (last.who, last.action, last.why, last.digest) == ("ann", "publication", "one more", snapshot.digest)
    document = json.loads(await place.public(f"history/inclusion?n={last.n}&size={head.size}"))
    path = [bytes.fromhex(digest) for digest in document["proof"]]
    leaf = leaf_hash(document["line"].encode())
    assert verify_inclusion(leaf, index=last.n, size=head.size, proof=path, expected_root=head.root_hash)
    told = [entry.action for entry in entries]
    assert told[:4] == ["official-added"] * 3 + ["publication"]
    assert {"suspension", "review", "rotation"} <= set(told)
    for query in ("n=99999", "n=-1", "n=x", ""):
        with pytest.raises(StatusError) as refused:
            await place.public(f"history/inclusion?{query}")
        assert refused.value.status in (400, 404)


async def test_an_official_who_was_removed_is_nobody_from_then_on(place: Place) -> None:
    added = await place.operator.post("/officials", {"id": "tim", "name": "Tim", "roles": ["editor"]})
    tim = Person(place.agent, added["token"])
    assert (await tim.get("/me"))["id"] == "tim"
    renewed = await place.operator.post("/officials/tim/token")
    with pytest.raises(AppError) as old:
        await tim.get("/me")
    assert old.value.status == 401
    tim = Person(place.agent, renewed["token"])
    await place.operator.call("DELETE", "/officials/tim")
    with pytest.raises(AppError) as gone:
        await tim.post("/drafts", {"why": "one last thing"})
    assert gone.value.status == 401


async def test_a_registry_answers_by_trqp_from_the_version_in_force(place: Place) -> None:
    snapshot = await place.read()
    answer = await asked(place, resource="occupation=C7212;place=MLT;eqf=3")
    for _ in range(100):  # a new version is read beside
        if answer.get("context", {}).get("governance_digest") == snapshot.digest:
            break
        await asyncio.sleep(0.05)
        answer = await asked(place, resource="occupation=C7212;place=MLT;eqf=3")
    assert answer["context"]["governance_digest"] == snapshot.digest
    assert (answer["authorized"], answer["context"]["redress"]) == (True, REDRESS)
    assert (await asked(place, resource="occupation=C7212;place=FRA;eqf=3"))["authorized"] is False
    with pytest.raises(StatusError) as refused:
        await asked(place, resource="occupation=C7212;place=MLT", authority_id=CENTRE)
    assert refused.value.status == 404
    document = await place.documents.resolve(WebvhDid.parse(place.about["did"]))
    assert [service["type"] for service in document.content["service"]] == [
        "did-communication",
        "GovernanceFile",
        "TRQP",
    ]


async def test_with_witnesses_nothing_changes_in_the_did_before_they_have_approved(place: Place) -> None:
    did, key = WebvhDid.parse(place.about["did"]), Ed25519PrivateKey.generate()
    witness = f"did:key:{to_multikey(key.public_key().public_bytes_raw())}"

    async def approve() -> dict[str, Any]:
        waiting = (await place.operator.get("/did/witness-proofs"))["waiting"]
        entry = await examine(waiting["log"].encode(), waiting["proofs"].encode(), seen=None)
        proof = approve_entry(entry, key, at=datetime.now(UTC))
        answer: dict[str, Any] = await place.operator.post("/did/witness-proofs", {"proof": proof})
        return answer

    before = (await place.documents.resolve(did)).version_id
    await place.agent.stop()
    place.agent.configure(public={"witnesses": {"threshold": 1, "dids": [witness]}})
    await place.agent.start()
    assert (await place.documents.resolve(did)).version_id == before
    assert (await approve())["waiting"] is None
    assert (await place.documents.resolve(did)).version_id != before

    old = set((await place.documents.resolve(did)).assertion_keys)
    draft = await place.operator.post("/keys/rotate", {"why": "with witnesses", "id": "c" * 32})
    assert draft["state"] != "PUBLISHED"
    assert set((await place.documents.resolve(did)).assertion_keys) == old
    version = (await place.read()).file.version
    assert (await approve())["waiting"] is not None  # the file is signed anew, and the old key is to go
    assert (await place.read()).file.version == version + 1
    assert (await approve())["waiting"] is None
    new = set((await place.documents.resolve(did)).assertion_keys)
    assert len(new) == 1
    assert not new & old
    assert (await place.read()).file.version == version + 1
