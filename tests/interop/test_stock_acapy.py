"""A stock ACA-Py 1.7 as issuer, as holder and as verifier, against our agents.

Of ours it has the did:webvh registry and resolver, without which it could not read what ours publish, and the HTTP
edge, which knows the names of this machine. Its exchanges are ACA-Py's own, with what these lack:

- it takes no problem report about a credential without a connection;
- as a verifier it acknowledges every answer, without the result, so that a holder cannot tell whether it was accepted;
- as a holder it finds no credential where several restrictions are given, of which one is enough: it wants all of them.
"""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio
from tests.interop.conftest import MEDIATOR_OF_PAGES
from tests.interop.ecosystem import Ecosystem, Json
from tests.interop.page_wallet_process import PageWalletError, page_wallet
from tests.interop.stock_acapy import AcaPyError, StockAcaPy, invitation_of, new_tag, stock_acapy

from wanderbuch.agents.machine import AgentHandle

pytestmark = [pytest.mark.agents, pytest.mark.asyncio(loop_scope="session")]

HANDSHAKE = ["https://didcomm.org/didexchange/1.1"]
PREVIEW = "issue-credential/2.0/credential-preview"
PROBLEM = {"description": "The interoperability test gives up."}
SETTINGS = pytest.mark.parametrize("over_connection", [True, False], ids=["connection", "connectionless"])


@dataclass(frozen=True, slots=True)
class Scene:
    """Ours and the stock one, which is an accredited issuer."""

    ours: Ecosystem
    worker: AgentHandle
    stock: StockAcaPy
    cred_def_id: str

    async def stock_invites(self, **more: object) -> Json:
        """Let the stock one invite under its did:webvh."""
        told = {"use_did": self.stock.did, "protocol_version": "1.1", "my_label": "Ministry", **more}
        return invitation_of(await self.stock.post("/out-of-band/create-invitation", told, auto_accept="true"))

    async def opened(self, invitation: Json) -> str:
        """Let the worker open an invitation, and return the id of what it brought."""
        opened = await self.worker.post("/invitations", {"url": json.dumps(invitation)})
        return str(opened["id"])

    async def connected(self) -> tuple[str, asyncio.Task[str]]:
        """Connect the worker with the stock one; give its connection, and what the worker waits for over it."""
        invitation = await self.stock_invites(handshake_protocols=HANDSHAKE)
        opening = asyncio.create_task(self.opened(invitation))
        return await self.stock.connected(invitation["@id"]), opening

    async def issued_by_stock(self) -> tuple[str, str]:
        """Let the worker take a credential of the stock one; give the stock one's exchange and the credential."""
        theirs, ours = await self.stock_offers(over_connection=True)
        await self.worker.post(f"/offers/{ours}/accept")
        received = await self.worker.wait_for(f"/offers/{ours}", "state", "RECEIVED", timeout_s=45)
        await self.stock.reached(f"/issue-credential-2.0/records/{theirs}", "done")
        return theirs, str(received["credential_id"])

    async def revocation_heard(self, credential: str) -> str:
        """Return what the worker's wallet knows of a credential's revocation without asking anybody."""
        credentials = (await self.worker.get("/credentials"))["items"]
        return str(next(listed["revocation"] for listed in credentials if listed["id"] == credential))

    async def stock_offers(self, *, over_connection: bool) -> tuple[str, str]:
        """Let the stock one offer a welder's credential to the worker; give the two ids of the exchange."""
        offer = await self._offered()
        if over_connection:
            connection, opening = await self.connected()
            made = await self.stock.post("/issue-credential-2.0/send-offer", {**offer, "connection_id": connection})
            return made["cred_ex_id"], await opening
        made = await self.stock.post("/issue-credential-2.0/create-offer", offer)
        attached = [{"id": made["cred_ex_id"], "type": "credential-offer"}]
        return made["cred_ex_id"], await self.opened(await self.stock_invites(attachments=attached))

    async def stock_carries_an_offer(self) -> tuple[str, str]:
        """Let the stock one put an offer into an invitation to connect; give its exchange and the link."""
        made = await self.stock.post("/issue-credential-2.0/create-offer", await self._offered())
        attached = [{"id": made["cred_ex_id"], "type": "credential-offer"}]
        invitation = await self.stock_invites(handshake_protocols=HANDSHAKE, attachments=attached)
        text = base64.urlsafe_b64encode(json.dumps(invitation).encode()).decode().rstrip("=")
        return made["cred_ex_id"], f"https://{self.stock.host}/?oob={text}"

    async def _offered(self) -> Json:
        values = (await self.ours.offer())["values"]
        attributes = [{"name": name, "value": value} for name, value in values.items()]
        return {
            "auto_issue": True,
            "auto_remove": False,
            "filter": {"anoncreds": {"cred_def_id": self.cred_def_id}},
            "credential_preview": {"@type": PREVIEW, "attributes": attributes},
        }

    async def stock_asks(self, *, over_connection: bool) -> tuple[str, str]:
        """Let the stock one ask the worker what the employer would ask; give the two ids of the exchange."""
        question = (await self.ours.ask(min_eqf_level=3))["proof_request"]
        asked = {"auto_verify": True, "auto_remove": False, "presentation_request": {"anoncreds": question}}
        if over_connection:
            connection, opening = await self.connected()
            made = await self.stock.post("/present-proof-2.0/send-request", {**asked, "connection_id": connection})
            return made["pres_ex_id"], await opening
        made = await self.stock.post("/present-proof-2.0/create-request", asked)
        attached = [{"id": made["pres_ex_id"], "type": "present-proof"}]
        return made["pres_ex_id"], await self.opened(await self.stock_invites(attachments=attached))

    async def offered_by_centre(self, **options: Any) -> tuple[Json, Json]:
        """Let the centre offer to the stock one; give the offer and the stock one's exchange."""
        offer = await self.ours.offer(**options)
        taken = await self.stock.receive(carried(offer["invitation_url"]))
        exchange = await self.stock.credential_exchange("offer-received", connection_id=taken["connection_id"])
        return offer, exchange

    async def issued_by_centre(self) -> Json:
        """Let the stock one take a credential of the centre, and return the offer when it is kept."""
        offer, exchange = await self.offered_by_centre()
        place = f"/issue-credential-2.0/records/{exchange['cred_ex_id']}"
        await self.stock.post(f"{place}/send-request")
        await self.stock.reached(place, "credential-received")
        await self.stock.post(f"{place}/store")
        kept: Json = await self.ours.centre.wait_for(f"/offers/{offer['id']}", "receipt", "KEPT", timeout_s=45)
        await self.stock.reached(place, "done")
        return kept

    async def asked_by_employer(self, **options: Any) -> tuple[Json, str]:
        """Let the employer ask the stock one; give the request and where its exchange is."""
        request = await self.ours.ask(min_eqf_level=3, **options)
        invitation = carried(request["invitation_url"])
        await self.stock.receive(invitation)
        thread = invitation["requests~attach"][0]["data"]["json"]["@id"]
        exchange = await self.stock.proof_exchange("request-received", thread_id=thread)
        return request, f"/present-proof-2.0/records/{exchange['pres_ex_id']}"

    async def stock_reuses(self, invitation: Json) -> None:
        """Let the stock one take an invitation over a connection that it has, to which ours agrees.

        Two of its handlers remove its record of the invitation: that of our agreement, and that of the offer right
        behind it. Whichever is late finds none, and so may its Admin API, which then answers 400 (seen once in 40 times
        on a busy machine). Its webhook says in each case that our agreement came.
        """
        try:
            taken = await self.stock.receive(invitation, use_existing_connection="true")
        except AcaPyError as err:
            if "Record not found: oob_record/" not in str(err):
                raise
        else:
            assert taken["state"] == "reuse-accepted"

        def is_agreed(told: Json) -> bool:
            comment = told["comment"]  # a list where no agreement came
            return isinstance(comment, str) and invitation["@id"] in comment

        await self.stock.told("connection_reuse_accepted", is_agreed)

    async def answer(self, place: str) -> None:
        """Let the stock one answer with a credential of the centre's."""
        asked = (await self.stock.get(place))["by_format"]["pres_request"]["anoncreds"]["requested_attributes"]
        results = (await self.stock.get("/credentials"))["results"]
        credential = next(
            candidate["referent"] for candidate in results if candidate["cred_def_id"] != self.cred_def_id
        )
        revealed = {referent: {"cred_id": credential, "revealed": True} for referent in asked}
        answer = {"requested_attributes": revealed, "requested_predicates": {}, "self_attested_attributes": {}}
        await self.stock.post(f"{place}/send-presentation", {"anoncreds": answer})


def carried(url: str) -> Json:
    """The invitation in a long address."""
    (text,) = parse_qs(urlsplit(url).query)["oob"]
    invitation: Json = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return invitation


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def scene(ecosystem: Ecosystem, ministry: tuple[str, int]) -> AsyncIterator[Scene]:
    ours = ecosystem
    async with stock_acapy(ours.machine, "ministry", ministry) as stock:
        schema_id = (await ours.centre.get("/standing"))["schema_id"]
        made = await stock.post(
            "/anoncreds/credential-definition",
            {
                "credential_definition": {"issuerId": stock.did, "schemaId": schema_id, "tag": new_tag()},
                "options": {"support_revocation": True, "revocation_registry_size": 32},
            },
        )
        cred_def_id = made["credential_definition_state"]["credential_definition_id"]
        await ours.accredit(stock.did, cred_def_id)
        assert ours.worker is not None
        yield Scene(ours, ours.worker, stock, cred_def_id)


# The stock one issues, our holder receives


@SETTINGS
async def test_worker_receives_what_a_stock_issuer_offers(scene: Scene, over_connection: bool) -> None:
    theirs, ours = await scene.stock_offers(over_connection=over_connection)
    offer = await scene.worker.post(f"/offers/{ours}/accept")
    assert offer["issuer"] == scene.stock.did
    received = await scene.worker.wait_for(f"/offers/{ours}", "state", "RECEIVED", timeout_s=45)
    await scene.stock.reached(f"/issue-credential-2.0/records/{theirs}", "done")
    credential = await scene.worker.get(f"/credentials/{received['credential_id']}")
    assert credential["cred_def_id"] == scene.cred_def_id


async def test_the_wallet_in_the_page_takes_what_a_stock_invitation_carries(scene: Scene) -> None:
    """The offer is in the link: ten thousand characters and more, which no QR code holds and a message does."""
    machine = scene.ours.machine
    (mediator,) = [agent for agent in machine.agents if agent.host == MEDIATOR_OF_PAGES]
    await mediator.start()
    try:
        async with page_wallet(machine, MEDIATOR_OF_PAGES) as wallet:
            await wallet.visit()
            theirs, link = await scene.stock_carries_an_offer()
            assert 2_048 < len(link) < 65_536, len(link)
            opened = await wallet.do("follow", address=link)
            assert opened["kind"] == "connection"
            offered = await wallet.until("offer", state="offered")
            await wallet.do("accept", id=offered)
            await wallet.until("offer", id=offered, state="kept")
            await scene.stock.reached(f"/issue-credential-2.0/records/{theirs}", "done")
            assert await wallet.do("dropped") == []
            with pytest.raises(PageWalletError, match="malformed"):
                await wallet.do("follow", address=link + "A" * (65_537 - len(link)))
    finally:
        await mediator.stop()


async def test_stock_issuer_hears_that_the_worker_declines(scene: Scene) -> None:
    theirs, ours = await scene.stock_offers(over_connection=True)
    await scene.worker.post(f"/offers/{ours}/decline")
    ended = await scene.stock.reached(f"/issue-credential-2.0/records/{theirs}", "abandoned")
    assert ended["error_msg"]


async def test_worker_hears_that_a_stock_issuer_withdraws(scene: Scene) -> None:
    theirs, ours = await scene.stock_offers(over_connection=True)
    await scene.stock.post(f"/issue-credential-2.0/records/{theirs}/problem-report", PROBLEM)
    await scene.worker.wait_for(f"/offers/{ours}", "state", "ENDED_BY_ISSUER", timeout_s=30)


# The stock one asks, our holder answers


@SETTINGS
async def test_worker_proves_to_a_stock_verifier(scene: Scene, over_connection: bool) -> None:
    _, credential = await scene.issued_by_stock()
    theirs, ours = await scene.stock_asks(over_connection=over_connection)
    await scene.worker.post(f"/requests/{ours}/present", {"credential_id": credential})
    verified = await scene.stock.reached(f"/present-proof-2.0/records/{theirs}", "done", "abandoned")
    assert (verified["state"], verified["verified"]) == ("done", "true")
    shown = await scene.worker.wait_for(f"/requests/{ours}", "state", "ACKNOWLEDGED", timeout_s=30)
    assert "did not say" in shown["explanation"]


@SETTINGS
async def test_stock_verifier_hears_that_the_worker_declines(scene: Scene, over_connection: bool) -> None:
    theirs, ours = await scene.stock_asks(over_connection=over_connection)
    await scene.worker.post(f"/requests/{ours}/decline", {"reason": "UNWILLING"})
    ended = await scene.stock.reached(f"/present-proof-2.0/records/{theirs}", "abandoned")
    assert ended["error_msg"]


async def test_worker_hears_that_a_stock_verifier_gives_up(scene: Scene) -> None:
    theirs, ours = await scene.stock_asks(over_connection=True)
    await scene.stock.post(f"/present-proof-2.0/records/{theirs}/problem-report", PROBLEM)
    await scene.worker.wait_for(f"/requests/{ours}", "state", "REFUSED_BY_VERIFIER", timeout_s=30)


# Ours issue and ask, the stock one holds


async def test_stock_holder_takes_our_credential_and_proves_it(scene: Scene) -> None:
    await scene.issued_by_centre()
    request, place = await scene.asked_by_employer()
    await scene.answer(place)
    outcome = await scene.ours.outcome(request)
    assert outcome["decision"]["verdict"] == "TRUSTED", outcome["decision"]
    await scene.stock.reached(place, "done")


async def test_stock_holder_answers_all_of_a_question_of_which_something_may_be_left_out(scene: Scene) -> None:
    await scene.issued_by_centre()
    request, place = await scene.asked_by_employer(subject="name_and_birth_date", least_subject="name")
    await scene.answer(place)
    outcome = await scene.ours.outcome(request)
    assert outcome["decision"]["verdict"] == "TRUSTED", outcome["decision"]
    await scene.stock.reached(place, "done")
    assert "birth_date" in {shown["attribute"] for shown in outcome["seen"]}
    assert outcome["left_out"] == []


async def test_centre_hears_that_a_stock_holder_declines(scene: Scene) -> None:
    offer, exchange = await scene.offered_by_centre()
    await scene.stock.post(f"/issue-credential-2.0/records/{exchange['cred_ex_id']}/problem-report", PROBLEM)
    await scene.ours.centre.wait_for(f"/offers/{offer['id']}", "state", "DECLINED", timeout_s=30)


async def test_stock_holder_hears_that_it_asked_too_late(scene: Scene) -> None:
    offer, exchange = await scene.offered_by_centre(deadline_s=8)
    await scene.ours.centre.wait_for(f"/offers/{offer['id']}", "state", "NO_ANSWER")
    place = f"/issue-credential-2.0/records/{exchange['cred_ex_id']}"
    await scene.stock.post(f"{place}/send-request")
    await scene.stock.reached(place, "abandoned")
    assert (await scene.ours.centre.get(f"/offers/{offer['id']}"))["state"] == "NO_ANSWER"


async def test_stock_holder_hears_that_the_centre_withdraws(scene: Scene) -> None:
    offer, exchange = await scene.offered_by_centre()
    assert (await scene.ours.centre.post(f"/offers/{offer['id']}/withdraw"))["state"] == "WITHDRAWN"
    ended = await scene.stock.reached(f"/issue-credential-2.0/records/{exchange['cred_ex_id']}", "abandoned")
    assert "This offer is over" in ended["error_msg"]


async def test_employer_hears_that_a_stock_holder_declines(scene: Scene) -> None:
    request, place = await scene.asked_by_employer()
    await scene.stock.post(f"{place}/problem-report", PROBLEM)
    outcome = await scene.ours.outcome(request)
    assert (outcome["state"], outcome["decision"], outcome["seen"]) == ("DECLINED", None, None)


async def test_stock_holder_hears_that_it_answered_too_late(scene: Scene) -> None:
    await scene.issued_by_centre()
    request, place = await scene.asked_by_employer(deadline_s=8)
    assert (await scene.ours.outcome(request))["state"] == "NO_ANSWER"
    await scene.answer(place)
    await scene.stock.reached(place, "abandoned")
    assert (await scene.ours.employer.get(f"/requests/{request['id']}"))["state"] == "NO_ANSWER"


async def test_stock_holder_goes_on_over_the_connection_that_is_there(scene: Scene) -> None:
    await scene.offered_by_centre()
    before = {connection["connection_id"] for connection in (await scene.stock.get("/connections"))["results"]}
    invitation = carried((await scene.ours.offer())["invitation_url"])
    await scene.stock_reuses(invitation)
    offered = await scene.stock.credential_exchange("offer-received", parent_thread_id=invitation["@id"])
    assert offered["connection_id"] in before


async def test_second_stock_taker_of_an_invitation_for_one_is_told(scene: Scene) -> None:
    offer, _ = await scene.offered_by_centre()
    taken = await scene.stock.receive(carried(offer["invitation_url"]))
    await scene.stock.until(
        f"/connections/{taken['connection_id']}", lambda answer: answer["rfc23_state"] == "abandoned"
    )


# Revocation, both ways


@pytest.mark.parametrize("version", ["v1_0", "v2_0"])
async def test_worker_hears_that_a_stock_issuer_revoked(scene: Scene, version: str) -> None:
    theirs, credential = await scene.issued_by_stock()
    record = (await scene.stock.get(f"/issue-credential-2.0/records/{theirs}"))["cred_ex_record"]
    assert await scene.revocation_heard(credential) == "unchecked"
    notice = {"notify": True, "notify_version": version, "connection_id": record["connection_id"]}
    await scene.stock.post("/anoncreds/revocation/revoke", {"cred_ex_id": theirs, "publish": True, **notice})
    async with asyncio.timeout(30):
        while await scene.revocation_heard(credential) != "revoked":  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def test_worker_sees_what_a_stock_issuer_revoked_without_a_word(scene: Scene) -> None:
    theirs, credential = await scene.issued_by_stock()
    await scene.stock.post("/anoncreds/revocation/revoke", {"cred_ex_id": theirs, "publish": True, "notify": False})
    assert (await scene.worker.get(f"/credentials/{credential}"))["revocation"] == "revoked"
    assert await scene.revocation_heard(credential) == "unchecked"  # nobody has told it


async def test_stock_holder_hears_that_the_centre_revoked(scene: Scene) -> None:
    kept = await scene.issued_by_centre()
    revocation = {"credentials": [kept["id"]], "reason": "mistake"}
    assert (await scene.ours.centre.post("/revocations", revocation))["asked"] == 1
    place = f"{kept['registry']}::{kept['index']}"
    told = await scene.stock.told("revocation-notification-v2", lambda notice: notice["credential_id"] == place)
    assert told["revocation_format"] == "indy-anoncreds"
    assert told["comment"]  # why, in words
    shown = await scene.ours.centre.get(f"/offers/{kept['id']}")
    assert (shown["state"], shown["revocation"]["told_at"]) == ("REVOKED", None)  # it acknowledges none
