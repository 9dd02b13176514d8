"""An authority, an honest issuer and a wallet: what is offered, what comes of it, and how it is taken back."""

import asyncio
import base64
import json
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
import pytest_asyncio
from tests.flow.batch_doubles import class_list
from tests.flow.generated import generated_client
from tests.prepared import start_prepared
from tests.welders import CLAIM, accreditation, governance_file

from wanderbuch.agents.machine import AgentHandle, AppError, LocalMachine
from wanderbuch.agents.runtime.short_links import invitation_in
from wanderbuch.governance.form.cte_model import DESCRIPTION
from wanderbuch.governance.form.model import ACCREDITATION
from wanderbuch.plugins.http.addresses import ConnectionMap
from wanderbuch.plugins.http.edge import HttpEdge, HttpEdgeConfig

pytestmark = [pytest.mark.agents, pytest.mark.asyncio(loop_scope="module")]

PRIVATE = CLAIM | {
    "credential_id": "CWC-2024-77310",
    "family_name": "Wickramasinghe",
    "given_names": "Tharushi Nethmi",
    "birth_date": "1991-07-23",
    "qualification_title": "National Certificate, Plate Welder",
    "awarding_body": "Hambantota Dockyard School",
    "awarded_on": "2023-05-17",
}
MAX_QR_BYTES = 2_953  # ISO/IEC 18004: version 40, level L, in bytes
COOK = CLAIM | {"occupation_isco08": "C5120", "qualification_title": "National Certificate, Cook"}


class Place:
    """Colombo: an authority, a centre for welders and a worker's wallet."""

    def __init__(self, folder: Path) -> None:
        self.machine = LocalMachine(folder, start_child=start_prepared)
        self.authority = self.machine.add(
            "authority",
            "Authority of Lanka",
            "authority.wanderbuch.test",
            authority={"ecosystem": "lanka", "four_eyes": False},
        )
        self.centre = self.machine.add(
            "issuer", "Colombo Welding Centre", "centre.wanderbuch.test", issuer={"registry_size": 6}
        )
        self.worker = self.machine.add("holder", "Nimal", "worker.wanderbuch.test")
        self.other = self.machine.add("holder", "Somebody", "other.wanderbuch.test", holder={"invitation_wait_s": 3})
        self.did = ""
        self.schema_id = ""
        self.version = 0
        self.standing: dict[str, Any] = {}

    async def open(self, *, other: bool = True) -> None:
        """Start everybody, and another worker if one is wanted."""
        await self.authority.start()
        view = await self.authority.get("/identity")
        self.did, self.schema_id = view["did"], view["schemas"]["qualification/1.0"]
        for agent in (self.centre, self.worker, self.other):
            agent.configure(governance={"url": view["governance_url"], "author": self.did})
        await self.publish(None)  # names the schema, and nobody
        await self.centre.start()
        self.standing = await stands(self.centre)
        await self.publish("active")
        workers = (self.worker, self.other) if other else (self.worker,)
        await asyncio.gather(self.centre.post("/governance/refresh"), *(worker.start() for worker in workers))

    async def publish(self, status: str | None) -> None:
        """Publish the next version; the centre is accredited, withdrawn, or (None) not named."""
        self.version += 1
        await self.authority.post("/versions", {"payload": self.payload(status)})

    def payload(self, status: str | None) -> dict[str, Any]:
        entries: dict[str, Any] = {DESCRIPTION: {self.did: {"name": "Authority of Lanka"}}}
        if status:
            entries[ACCREDITATION] = {self.standing["did"]: {"accreditations": [self.accreditation(status)]}}
        return governance_file(self.did, self.schema_id, entries, version=self.version, updated="2026-01-01T00:00:00Z")

    def accreditation(self, status: str) -> dict[str, Any]:
        occupations = ["C72"] if status == "active" else ["C75"]
        return accreditation([self.standing["cred_def_id"]], id="acc-centre", occupations=occupations)

    async def offer(self, **how: Any) -> tuple[dict[str, Any], str]:
        """Return an offer as the centre made it, and its id in the worker's wallet."""
        made = await self.centre.post("/offers", {"claim": CLAIM, **how})
        opened = await self.worker.post("/invitations", {"url": made["short_url"]})
        return made, opened["id"]

    async def issue(self) -> tuple[dict[str, Any], str]:
        """Return an offer that was accepted, and the credential's id in the worker's wallet."""
        made, received = await self.offer()
        await self.worker.post(f"/offers/{received}/accept")
        issued = await self.centre.wait_for(f"/offers/{made['id']}", "receipt", "KEPT")
        kept = await self.worker.wait_for(f"/offers/{received}", "state", "RECEIVED")
        return issued, kept["credential_id"]


async def served(place: Place, url: str, accept: str) -> tuple[str, str]:
    """Return what the centre's public site answers: where it sends the caller, and the body."""
    trusted = ssl.create_default_context(cafile=str(place.machine.ca_file))
    host = urlsplit(url).netloc
    address = url.replace(host, place.centre.target)
    headers = {"Host": host, "Accept": accept}
    async with (
        aiohttp.ClientSession() as session,
        session.get(address, headers=headers, ssl=trusted, server_hostname=host, allow_redirects=False) as answer,
    ):
        return answer.headers.get("Location", ""), await answer.text()


async def stands(centre: AgentHandle) -> dict[str, Any]:
    """Wait until the centre can issue and has a spare registry."""
    async with asyncio.timeout(60):
        while len((standing := await centre.get("/standing"))["registries"]) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    return dict(standing)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    place = Place(tmp_path_factory.mktemp("place"))
    try:
        await place.open()
        yield place
    finally:
        await place.machine.stop()


async def test_standing_says_what_the_authority_lets_this_issuer_attest(place: Place) -> None:
    standing = await place.centre.get("/standing")
    assert (standing["ready"], standing["waiting_for"], standing["schema_id"]) == (True, None, place.schema_id)
    assert standing["governance"]["version"] == place.version
    accreditation = standing["accreditations"][0]
    assert (accreditation["occupations"], accreditation["covers_this_definition"]) == (["C72"], True)
    assert {registry["state"] for registry in standing["registries"]} == {"ACTIVE", "SPARE"}


async def test_worker_accepts_and_keeps_a_credential_with_its_level_by_the_crosswalk(place: Place) -> None:
    issued, credential_id = await place.issue()
    assert (issued["state"], issued["values"]["eqf_level"]) == ("ISSUED", "4")
    assert issued["values"]["crosswalk_version"] == "lk-nvq-2023"
    assert issued["index"] is not None
    credential = await place.worker.get(f"/credentials/{credential_id}")
    assert credential["revocation"] == "valid"


async def test_worker_hears_that_the_centre_withdraws_an_offer_and_cannot_take_it(place: Place) -> None:
    made, received = await place.offer()
    assert (await place.worker.get(f"/offers/{received}"))["state"] == "OPEN"
    assert (await place.centre.post(f"/offers/{made['id']}/withdraw"))["state"] == "WITHDRAWN"
    ended = await place.worker.wait_for(f"/offers/{received}", "state", "ENDED_BY_ISSUER", timeout_s=30)
    assert (ended["credential_id"], ended["note"]) == (
        None,
        "issuance-abandoned: This offer is over. Ask the issuer for a new one.",
    )
    with pytest.raises(AppError, match="found one that is ENDED_BY_ISSUER"):
        await place.worker.post(f"/offers/{received}/accept")
    assert (await place.centre.get(f"/offers/{made['id']}"))["state"] == "WITHDRAWN"


async def test_offer_outside_the_accreditation_is_refused_with_the_decision_and_nothing_is_kept(place: Place) -> None:
    before = await place.centre.get("/offers")
    with pytest.raises(AppError) as caught:
        await place.centre.post("/offers", {"claim": COOK})
    assert caught.value.status == 409
    assert caught.value.problem["decision"]["verdict"] == "NOT_TRUSTED"
    assert await place.centre.get("/offers") == before


async def test_claim_that_does_not_fit_its_type_is_refused_by_attribute(place: Place) -> None:
    with pytest.raises(AppError) as caught:
        await place.centre.post("/offers", {"claim": CLAIM | {"framework_level": "9"}})
    assert caught.value.status == 422
    assert "framework_level" in caught.value.problem["detail"]
    assert "Perera" not in str(caught.value.problem)


async def test_invitation_names_the_issuers_did_as_its_service_and_has_nothing_attached(place: Place) -> None:
    made = await place.centre.post("/offers", {"claim": CLAIM})
    assert made["short_url"].startswith("https://centre.wanderbuch.test/i/")
    assert made["qr_svg"] is None  # nobody looks at it yet
    assert (await place.centre.get(f"/offers/{made['id']}"))["qr_svg"].startswith("<svg")
    invitation = invitation_in(made["invitation_url"])
    assert invitation is not None
    assert invitation["services"] == [place.standing["did"]]
    assert invitation["handshake_protocols"] == ["https://didcomm.org/didexchange/1.1"]
    assert not invitation.get("requests~attach")


async def test_nothing_personal_is_in_the_invitation_nor_behind_its_short_link(place: Place) -> None:
    """Neither in the long address, nor in what the short one answers to a wallet, a program or a browser."""
    made = await place.centre.post("/offers", {"claim": PRIVATE})
    long, short = made["invitation_url"], made["short_url"]
    invitation = invitation_in(long)
    asked = ("application/json", "*/*", "text/html,*/*;q=0.8")
    to_wallet, to_program, to_browser = [await served(place, short, accept) for accept in asked]
    assert invitation is not None
    assert json.loads(to_wallet[1]) == invitation
    assert to_program == (long, "")
    assert to_browser[0] == ""
    assert f"<strong><bdi>{invitation['label']}</bdi></strong>" in to_browser[1]
    assert place.standing["did"] in to_browser[1]
    assert invitation.keys() == {"@type", "@id", "label", "services", "handshake_protocols", "accept"}
    shown = [long, short, json.dumps(invitation), *to_wallet, *to_program, *to_browser]
    for name in PRIVATE:
        value = made["values"][name]
        assert value not in invitation.values(), name
        assert len(value) < 5 or not any(value in text for text in shown), name  # "4" stands in any identifier
    assert len(long.encode()) < MAX_QR_BYTES


async def test_second_wallet_on_the_same_invitation_gets_no_offer(place: Place) -> None:
    made, received = await place.offer()
    before = await place.other.get("/offers")
    with pytest.raises(AppError):
        await place.other.post("/invitations", {"url": made["short_url"]})
    assert await place.other.get("/offers") == before
    await place.worker.post(f"/offers/{received}/accept")
    await place.centre.wait_for(f"/offers/{made['id']}", "receipt", "KEPT")


async def test_opening_an_invitation_twice_shows_the_same_offer(place: Place) -> None:
    made, received = await place.offer()
    again = await place.worker.post("/invitations", {"url": made["invitation_url"]})
    assert again == {"kind": "offer", "id": received}


async def test_wallet_that_connects_after_the_deadline_gets_no_offer(place: Place) -> None:
    made = await place.centre.post("/offers", {"claim": CLAIM, "deadline_s": 1})
    await place.centre.wait_for(f"/offers/{made['id']}", "state", "NO_ANSWER")
    before = await place.other.get("/offers")
    with pytest.raises(AppError):
        await place.other.post("/invitations", {"url": made["invitation_url"]})
    assert await place.other.get("/offers") == before


async def test_decline_ends_the_offer(place: Place) -> None:
    made, received = await place.offer()
    await place.worker.post(f"/offers/{received}/decline")
    await place.centre.wait_for(f"/offers/{made['id']}", "state", "DECLINED")


async def test_offer_that_nobody_answers_in_time_ends_and_a_late_answer_gets_nothing(place: Place) -> None:
    made, received = await place.offer(deadline_s=6)
    await place.centre.wait_for(f"/offers/{made['id']}", "state", "NO_ANSWER")
    await place.worker.post(f"/offers/{received}/accept")
    await place.worker.wait_for(f"/offers/{received}", "state", "ENDED_BY_ISSUER")
    assert (await place.centre.get(f"/offers/{made['id']}"))["state"] == "NO_ANSWER"


async def test_revocation_is_answered_once_it_is_public_and_asking_again_changes_nothing(place: Place) -> None:
    issued, credential_id = await place.issue()
    revoked = await place.centre.post(f"/credentials/{issued['id']}/revoke")
    assert (revoked["published"], revoked["state"]) == (True, "PUBLISHED")
    assert (await place.worker.get(f"/credentials/{credential_id}"))["revocation"] == "revoked"
    again = await place.centre.post(f"/credentials/{issued['id']}/revoke")
    assert again | {"told_at": None} == revoked | {"told_at": None}  # when its wallet said that it knows
    assert (await place.centre.get(f"/offers/{issued['id']}"))["state"] == "REVOKED"


async def test_revocations_asked_for_at_once_are_all_published(place: Place) -> None:
    """Trap 7: ACA-Py's mark-and-publish loses updates when two do it together, and answers OK all the same."""
    issued = [await place.issue() for _ in range(3)]
    answers = await asyncio.gather(*(place.centre.post(f"/credentials/{one['id']}/revoke") for one, _ in issued))
    assert [answer["published"] for answer in answers] == [True] * 3
    shown = [await place.worker.get(f"/credentials/{credential_id}") for _, credential_id in issued]
    assert [one["revocation"] for one in shown] == ["revoked"] * 3


async def test_what_was_never_issued_cannot_be_revoked(place: Place) -> None:
    made, _ = await place.offer()
    with pytest.raises(AppError) as caught:
        await place.centre.post(f"/credentials/{made['id']}/revoke")
    assert caught.value.status == 409


async def test_next_registry_takes_over_before_the_active_one_is_full(place: Place) -> None:
    """Trap 8: with registries of six places, six credentials in a row are issued without a pause."""
    registries = set()
    for _ in range(6):
        issued, credential_id = await place.issue()
        registries.add(issued["registry"])
    assert len(registries) >= 2
    assert (await place.worker.get(f"/credentials/{credential_id}"))["revocation"] == "valid"
    states = [registry["state"] for registry in (await stands(place.centre))["registries"]]
    assert states.count("ACTIVE") == 1


async def test_credential_is_not_signed_if_the_accreditation_went_between_offer_and_request(place: Place) -> None:
    made, received = await place.offer()
    await place.publish("elsewhere")
    await place.centre.post("/governance/refresh")
    try:
        # The worker still goes by the version before, in which the centre counts.
        await place.worker.post(f"/offers/{received}/accept")
        refused = await place.centre.wait_for(f"/offers/{made['id']}", "state", "REFUSED")
        assert refused["reasons"]
        await place.worker.wait_for(f"/offers/{received}", "state", "ENDED_BY_ISSUER")
    finally:
        await place.publish("active")
        await place.centre.post("/governance/refresh")


async def test_killed_issuer_comes_back_as_the_same_issuer_and_answers_what_was_open(place: Place) -> None:
    before = await place.centre.get("/standing")
    made, received = await place.offer()
    await place.centre.kill()
    await place.centre.start()
    after = await stands(place.centre)
    assert (after["did"], after["cred_def_id"]) == (before["did"], before["cred_def_id"])
    assert {registry["id"] for registry in before["registries"]} <= {registry["id"] for registry in after["registries"]}
    await place.worker.post(f"/offers/{received}/accept")
    await place.centre.wait_for(f"/offers/{made['id']}", "receipt", "KEPT")


async def test_credential_arrives_although_the_issuer_was_killed_over_it(place: Place) -> None:
    """ACA-Py queues what goes out in memory: what it signed, and what it acknowledged, would be lost."""
    made, received = await place.offer()
    await place.worker.post(f"/offers/{received}/accept")
    await asyncio.sleep(0.2)
    await place.centre.kill()
    await place.centre.start()
    await place.worker.wait_for(f"/offers/{received}", "state", "RECEIVED", timeout_s=60)
    await place.centre.wait_for(f"/offers/{made['id']}", "receipt", "KEPT", timeout_s=60)


async def at_slip(place: Place, slip: str, told: str | None = None) -> tuple[int, str]:
    """Return what the page of a slip answers: opened, or (with `told`) its button pressed."""
    trusted = ssl.create_default_context(cafile=str(place.machine.ca_file))
    host, token = urlsplit(slip).netloc, slip.rpartition("/")[2]
    address, headers = f"https://{place.centre.target}/claim/en/{token}", {"Host": host}
    async with aiohttp.ClientSession() as session:
        how: dict[str, Any] = {"headers": headers, "ssl": trusted, "server_hostname": host}
        call = session.get(address, **how) if told is None else session.post(address, data={"told": told}, **how)
        async with call as answer:
            return answer.status, await answer.text()


async def test_a_class_list_becomes_slips_and_a_slip_one_credential_although_the_issuer_is_killed(place: Place) -> None:
    own = ("credential_id", "family_name", "given_names", "birth_date")
    text = "Certificate No,Name,DOB\r\n" + "".join(f'B-{at},"Perera, Nimal{at}",12 March 1995\r\n' for at in range(3))
    sent = {
        "list": base64.b64encode(text.encode()).decode(),
        "for_all": {name: value for name, value in CLAIM.items() if name not in own},
    }
    looked = await place.centre.post("/class-lists/read", sent)
    assert (looked["is_ready"], looked["ready"]) == (True, 3)
    new = {"title": "Class", "list": sent, "access": "fact", "fact": "birth_date", "digest": looked["digest"]}
    made = await place.centre.post("/batches", new)
    batch = f"/batches/{made['batch']['id']}"
    await place.centre.post(f"{batch}/start")
    slip = (await place.centre.get(f"{batch}/slips"))["items"][0]["address"]
    assert slip.startswith("https://centre.wanderbuch.test/claim/")
    status, page = await at_slip(place, slip)
    assert (status, "Perera" in page, "didcomm://" in page) == (200, False, False)
    assert (await at_slip(place, slip, "13 March 1995"))[0] == 403
    status, page = await at_slip(place, slip, "12/03/1995")
    assert status == 200
    await place.centre.kill()
    await place.centre.start()
    assert (await at_slip(place, slip, "1995-03-12")) == (200, page)  # the same offer, also to who comes again
    offer = (await place.centre.get(f"{batch}/rows/2"))["slip"]["offer_id"]
    opened = await place.worker.post("/invitations", {"url": (await place.centre.get(f"/offers/{offer}"))["short_url"]})
    await place.worker.post(f"/offers/{opened['id']}/accept")
    await place.centre.wait_for(f"/offers/{offer}", "receipt", "KEPT")
    assert (await at_slip(place, slip, "1995-03-12"))[0] == 410
    assert (await place.centre.get(batch))["counts"] == {
        "waiting": 2,
        "open": 0,
        "issued": 1,
        "locked": 0,
        "left_out": 0,
    }
    renewed = await place.centre.post(f"{batch}/rows/2/renew", {"slips": 1})
    assert renewed["slip"]["address"] != slip
    await place.centre.wait_for(f"/offers/{offer}", "state", "REVOKED")
    assert "B-0" in (await place.centre.get(f"{batch}/result"))["csv"]


async def test_authority_refuses_a_second_file_under_a_published_version(place: Place) -> None:
    authority = await place.authority.get("/identity")
    assert authority["current"]["version"] == authority["freshness"]["version"] == place.version
    with pytest.raises(AppError) as caught:
        await place.authority.post("/versions", {"payload": place.payload("active") | {"name": "Another"}})
    assert caught.value.status == 422
    assert caught.value.problem["findings"][0]["rule"] == "next-version"


async def test_governance_file_is_served_conditionally(place: Place) -> None:
    edge = HttpEdge(
        HttpEdgeConfig(connect=ConnectionMap.parse(place.machine.connections()), ca_file=place.machine.ca_file)
    )
    url = (await place.authority.get("/identity"))["governance_url"] + "/current.jws"
    try:
        first = await edge.get(url, max_bytes=1_000_000, timeout_s=10)
        again = await edge.get(url, max_bytes=1_000_000, timeout_s=10, etag=first.etag)
    finally:
        await edge.close()
    assert (first.status, first.content_type, again.status, again.body) == (200, "application/jose", 304, b"")


async def test_authority_comes_back_with_the_same_did_schema_and_version(place: Place) -> None:
    before = await place.authority.get("/identity")
    await place.authority.kill()
    await place.authority.start()
    after = await place.authority.get("/identity")
    assert {**after, "freshness": None} == {**before, "freshness": None}
    assert after["freshness"]["digest"] == before["freshness"]["digest"]


async def test_a_client_made_of_a_centres_description_makes_a_batch_and_corrects_a_claim(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    centre = place.centre
    module = await generated_client(centre, "centre_api", tmp_path, monkeypatch)
    models = module("models")

    def call(name: str) -> Any:
        return module(f"api.issuer.{name}").asyncio

    new = models.NewBatch.from_dict({"title": "Class", "list": class_list(), "access": "in-person"})
    async with module().AuthenticatedClient(base_url=f"{centre.app_url}/v1", token=centre.token) as client:
        looked = await call("post_issuer_class_lists_read")(client=client, body=new.list_)
        assert [type(row).__name__ for row in looked.preview] == ["QualificationRow10"] * 2
        make, key = call("post_issuer_batches"), "8e03978e-40d5-43dd-bc93-6894a57f9324-batch"
        made = await make(client=client, body=new, idempotency_key=key)
        assert (await make(client=client, body=new, idempotency_key=key)).batch.id == made.batch.id
        assert (made.batch.rows, made.counts.waiting) == (2, 2)
        row = {"client": client, "id": made.batch.id, "number": "2"}
        shown = await call("get_issuer_batches_id_rows_number")(**row)
        assert isinstance(shown.claim, models.QualificationClaim10)
        assert shown.claim.family_name == "Perera"
        shown.claim.family_name = "Pereira"
        edit = call("post_issuer_batches_id_rows_number_edit")
        corrected = models.RowEdit(claim=shown.claim, digest=shown.digest)
        assert (await edit(**row, body=corrected)).slip.number == 2
        assert (await call("get_issuer_batches_id_rows_number")(**row)).claim.family_name == "Pereira"
        shown.claim.birth_date = "soon"
        refused = await edit(**row, body=models.RowEdit(claim=shown.claim))
        assert (type(refused).__name__, refused.status) == ("Problem", 422)
        assert "birth_date" in refused.detail
        started = await call("post_issuer_batches_id_start")(client=client, id=made.batch.id)
        assert started.batch.state.value == "RUNNING"
        slips = await call("get_issuer_batches_id_slips")(client=client, id=made.batch.id)
        assert [slip.number for slip in slips.items] == [2, 3]
        cancelled = await call("post_issuer_batches_id_cancel")(client=client, id=made.batch.id)
        assert cancelled.batch.state.value == "CANCELLED"
