"""Several credentials of one worker, asked for in words and answered over DIDComm by real agents; every mix is refused.

A town of its own: a welding centre, a shipyard that certifies experience, an institute of languages (all honest
issuers), an employer, an honest wallet and one that lies. The proofs themselves, and what two people may join, are
tested case by case in tests/unit/trust/verifying/several/test_several.py.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.abuse.town import Town
from tests.welders import CLAIM as WELDER
from tests.welders import accreditation, certificate, governance_file

from wanderbuch.agents.machine import AgentHandle, AppError
from wanderbuch.governance.form.cte_model import DESCRIPTION
from wanderbuch.governance.form.model import ACCREDITATION
from wanderbuch.schemas.credential_type import load_credential_type

pytestmark = [pytest.mark.agents, pytest.mark.system, pytest.mark.asyncio(loop_scope="session")]

TYPES = ("qualification/1.0", "experience/1.0", "language/1.0")
TRADE = {
    "ask": "qualification",
    "as": "trade",
    "occupation": "welder",
    "level": {"framework": "LK-NVQ", "at_least": "3"},
}
WORK = {"ask": "experience", "as": "work", "occupation": "welder", "months": 24, "ended_within_months": 600}
MALTESE = {"ask": "language", "as": "maltese", "language": "Maltese", "at_least": "B1"}
QUESTION = {"place": "Malta", "ref": "K7-42", "credentials": [TRADE, WORK, MALTESE]}


def claim(type_id: str, **changed: Any) -> dict[str, Any]:
    """Return what is claimed of the welder of Colombo."""
    if type_id == TYPES[0]:
        return certificate(WELDER, **changed)
    examples = {attribute.name: attribute.example for attribute in load_credential_type(type_id).claimed}
    named = {name: WELDER[name] for name in ("family_name", "given_names", "birth_date")}
    return certificate(examples | named, **changed)


@dataclass
class Scene:
    """Everybody, and what the wallets hold, by wallet and by what it is of."""

    town: Town
    issuers: dict[str, AgentHandle]
    credentials: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def employer(self) -> AgentHandle:
        return self.town.people["employer"]

    def wallet(self, name: str) -> AgentHandle:
        return self.town.people[name]

    async def issue(self, name: str, type_id: str, **changed: Any) -> str:
        """Have a certificate issued to a wallet; return its id there."""
        wallet, issuer = self.wallet(name), self.issuers[type_id]
        before = {credential["id"] for credential in (await wallet.get("/credentials"))["items"]}
        made = await issuer.post("/offers", {"claim": claim(type_id, **changed)})
        opened = await wallet.post("/invitations", {"url": made["short_url"]})
        if name == "worker":
            await wallet.post(f"/offers/{opened['id']}/accept")
        await issuer.wait_for(f"/offers/{made['id']}", "receipt", "KEPT")
        (new,) = {credential["id"] for credential in (await wallet.get("/credentials"))["items"]} - before
        return str(new)

    async def asked(self, name: str, question: dict[str, Any]) -> tuple[str, str]:
        """Return the ids of one question with the employer and with a wallet."""
        made = await self.employer.post("/questions", question)
        opened = await self.wallet(name).post("/invitations", {"url": made["short_url"]})
        return made["id"], opened["id"]

    async def decided(self, question: str) -> dict[str, Any]:
        request: dict[str, Any] = await self.employer.wait_for(
            f"/requests/{question}", "state", "DECIDED", "DECLINED", "NO_ANSWER"
        )
        return request

    async def lie(self, question: dict[str, Any], chosen: dict[str, str]) -> dict[str, Any]:
        """Have a question answered by the liar, part by part, and return what became of it."""
        asked, request = await self.asked("liar", question)
        await self.wallet("liar").post(f"/requests/{request}/forge", {"credentials": chosen})
        return await self.decided(asked)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    town = _Town(tmp_path_factory.mktemp("several"))
    try:
        await town.open()
        made = Scene(town, town.honest)
        for name in ("worker", "liar"):
            made.credentials[name] = {type_id: await made.issue(name, type_id) for type_id in TYPES}
        yield made
    finally:
        await town.machine.stop()


class _Town(Town):
    """A town with an honest issuer for each type."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            folder,
            holders=("worker",),
            liars=("liar",),
            employers=("employer",),
            authority={"credential_types": list(TYPES)},
        )
        names = dict(zip(TYPES, ("centre", "yard", "institute"), strict=True))
        self.honest = {
            type_id: self.machine.add("issuer", f"honest-{name}", f"honest-{name}.wanderbuch.test")
            for type_id, name in names.items()
        }

    async def open(self) -> None:
        await self.authority.start()
        about = await self.authority.get("/identity")
        self.did, schemas = about["did"], about["schemas"]
        scopes: dict[str, dict[str, Any]] = {
            "qualification/1.0": {"occupations": ["C72", "C22"]},
            "experience/1.0": {},
            "language/1.0": {"occupations": ["mlt"], "level_range": {"framework": "CEFR", "min": "A1", "max": "B2"}},
        }
        entries: dict[str, dict[str, Any]] = {DESCRIPTION: {}, ACCREDITATION: {}}
        for number, (type_id, issuer) in enumerate(self.honest.items()):
            settings = {"schema_id": schemas[type_id], "credential_type": type_id, "registry_size": 32}
            issuer.configure(governance=self.governance, issuer=settings)
            await issuer.start()
            standing = await self._standing(issuer)
            entries[DESCRIPTION][standing["did"]] = {"name": issuer.name}
            entries[ACCREDITATION][standing["did"]] = {
                "accreditations": [
                    accreditation(
                        [standing["cred_def_id"]], id=f"acc-{number}", credential_types=[type_id], **scopes[type_id]
                    )
                ]
            }
        payload = governance_file(self.did, schemas["qualification/1.0"], entries, updated="2026-01-01T00:00:00Z")
        payload["schemas"] = [{"id": schema_id, "name": type_id} for type_id, schema_id in schemas.items()]
        await self.authority.post("/versions", {"payload": payload})
        for issuer in self.honest.values():
            await issuer.post("/governance/refresh")
        for person in self.people.values():
            person.configure(governance=self.governance)
            await person.start()


def codes(ended: dict[str, Any]) -> list[str]:
    return [reason["code"] for reason in ended["decision"]["reasons"]]


def answers(by_kind: dict[str, str], **changed: str) -> dict[str, str]:
    """Return which credential answers which part of the question, honestly but for what is changed."""
    trade, work, maltese = (by_kind[type_id] for type_id in TYPES)
    honest = {"trade": trade, "work": work, "work.months": work, "work.since": work, "maltese": maltese}
    return honest | {name.replace("__", "."): value for name, value in changed.items()}


async def test_a_worker_proves_three_things_at_once_and_both_sides_see_the_reference(scene: Scene) -> None:
    asked, request = await scene.asked("worker", QUESTION)
    worker = scene.wallet("worker")
    shown = await worker.get(f"/requests/{request}")
    assert [part["name"] for part in shown["parts"]] == ["trade", "work", "maltese"]
    assert [part["credentials_fitting"] for part in shown["parts"]] == [1, 1, 1]
    assert shown["can_answer"]
    assert "Proves: CEFR level B1 or more. The level stays hidden." in [item["text"] for item in shown["asked"]]
    chosen = {part["name"]: part["credentials"][0]["credential_id"] for part in shown["parts"]}
    await worker.post(f"/requests/{request}/present", {"credentials": chosen})
    ended = await scene.decided(asked)
    assert (ended["decision"]["verdict"], ended["ref"]) == ("TRUSTED", "K7-42"), codes(ended)
    assert ended["proof_request"]["name"] == "employer [K7-42]"
    assert [(credential["name"], credential["decision"]["verdict"]) for credential in ended["credentials"]] == [
        ("trade", "TRUSTED"), ("work", "TRUSTED"), ("maltese", "TRUSTED"),
    ]  # fmt: skip
    work = ended["credentials"][1]
    assert {attribute["attribute"] for attribute in work["seen"]} == {"occupation_isco08", "award_year", "expires_on"}
    assert {"months", "employer", "family_name"} <= {attribute["attribute"] for attribute in work["hidden"]}
    await worker.wait_for(f"/requests/{request}", "state", "ACCEPTED")


async def test_the_wallet_refuses_one_credential_for_two_and_one_that_is_left_out(scene: Scene) -> None:
    _, request = await scene.asked("worker", QUESTION)
    by_kind = scene.credentials["worker"]
    trade, work = by_kind["qualification/1.0"], by_kind["experience/1.0"]
    for chosen in ({"trade": trade, "work": work}, {"trade": trade, "work": work, "maltese": trade}):
        with pytest.raises(AppError, match="credential for each"):
            await scene.wallet("worker").post(f"/requests/{request}/present", {"credentials": chosen})


async def test_a_question_is_explained_before_it_is_put(scene: Scene) -> None:
    told = await scene.employer.post("/questions/explain", {"question": QUESTION, "language": "fr"})
    assert told["may_be_put"]
    assert told["could_answer"] == {"trade": 1, "work": 1, "maltese": 1}
    assert told["levels"][0]["eqf"] == 3
    assert {remark["code"] for remark in told["remarks"]} == {"unknown", "no_name"}
    schema = (await scene.employer.get("/questions/schema"))["json_schema"]
    assert schema["properties"]["credentials"]["maxItems"] == 6


async def test_a_question_that_nobody_could_answer_is_not_put(scene: Scene) -> None:
    with pytest.raises(AppError, match="no accredited issuer"):
        await scene.employer.post("/questions", QUESTION | {"credentials": [MALTESE | {"at_least": "C1"}]})
    with pytest.raises(AppError, match="expected one occupation"):
        await scene.employer.post("/questions", QUESTION | {"credentials": [TRADE | {"occupation": "manager"}]})


class TestTheLiar:
    async def test_the_same_tools_used_honestly_are_trusted(self, scene: Scene) -> None:
        ended = await scene.lie(QUESTION, answers(scene.credentials["liar"]))
        assert ended["decision"]["verdict"] == "TRUSTED", codes(ended)

    async def test_refuses_two_certificates_of_one_definition_mixed(self, scene: Scene) -> None:
        """Long ago and for long, lately and for short: neither is what was asked, and the mix would be."""
        long_ago = {"employed_from": "20100101", "employed_to": "20141231", "months": "60", "awarded_on": "20210101"}
        lately = {"employed_from": "20240101", "employed_to": "20240331", "months": "3", "awarded_on": "20240401"}
        old = await scene.issue("liar", "experience/1.0", **long_ago)
        short = await scene.issue("liar", "experience/1.0", **lately)
        question = QUESTION | {"credentials": [TRADE, WORK | {"ended_within_months": 120}, MALTESE]}
        ended = await scene.lie(
            question, answers(scene.credentials["liar"], work=short, work__months=old, work__since=short)
        )
        assert ended["decision"]["verdict"] == "NOT_TRUSTED"
        assert "presentation.mixed" in codes(ended)
        assert [credential["decision"]["verdict"] for credential in ended["credentials"]] == ["NOT_TRUSTED"] * 3
        assert ended["seen"] is None

    async def test_refuses_three_certificates_mixed(self, scene: Scene) -> None:
        old = await scene.issue("liar", "experience/1.0", employed_to="20210101", months="10", awarded_on="20210201")
        ended = await scene.lie(
            QUESTION | {"credentials": [TRADE, WORK]},
            {
                "trade": scene.credentials["liar"]["qualification/1.0"],
                "work": old,
                "work.months": scene.credentials["liar"]["experience/1.0"],
                "work.since": await scene.issue("liar", "experience/1.0"),
            },
        )
        assert ended["decision"]["verdict"] == "NOT_TRUSTED"
        assert "presentation.mixed" in codes(ended)

    async def test_refuses_one_certificate_for_two_questions(self, scene: Scene) -> None:
        twice = {"place": "MLT", "credentials": [TRADE, TRADE | {"as": "again"}]}
        trade = scene.credentials["liar"]["qualification/1.0"]
        ended = await scene.lie(twice, {"trade": trade, "again": trade})
        assert (ended["decision"]["verdict"], codes(ended)[0]) == ("NOT_TRUSTED", "presentation.one_for_two")

    async def test_refuses_certificates_of_two_definitions_that_changed_places(self, scene: Scene) -> None:
        by_kind = scene.credentials["liar"]
        both = {"place": "MLT", "credentials": [TRADE, WORK | {"months": None, "ended_within_months": None}]}
        nurse = await scene.issue("liar", "qualification/1.0", occupation_isco08="C2221")
        ended = await scene.lie(both, {"trade": nurse, "work": by_kind["experience/1.0"]})
        assert (ended["decision"]["verdict"], codes(ended)[0]) == ("NOT_TRUSTED", "proof.invalid")
        second = await scene.issue("liar", "qualification/1.0", family_name="Perera", given_names="Nimal Two")
        ended = await scene.lie(both, {"trade": by_kind["qualification/1.0"], "work": second})
        assert (ended["decision"]["verdict"], codes(ended)[0]) == ("NOT_TRUSTED", "issuer.definition_not_accepted")

    async def test_refuses_a_presentation_of_another_question(self, scene: Scene) -> None:
        first, earlier = await scene.asked("liar", QUESTION)
        await scene.wallet("liar").post(
            f"/requests/{earlier}/forge", {"credentials": answers(scene.credentials["liar"])}
        )
        assert (await scene.decided(first))["decision"]["verdict"] == "TRUSTED"
        second, later = await scene.asked("liar", QUESTION)
        await scene.wallet("liar").post(f"/requests/{later}/replay", {"of": earlier})
        ended = await scene.decided(second)
        assert (ended["decision"]["verdict"], codes(ended)[0].rpartition(" ")[2]) == ("NOT_TRUSTED", "proof.invalid")

    async def test_refuses_a_part_that_is_revoked(self, scene: Scene) -> None:
        liar, institute = scene.wallet("liar"), scene.issuers["language/1.0"]
        made = await institute.post("/offers", {"claim": claim("language/1.0")})
        before = {listed["id"] for listed in (await liar.get("/credentials"))["items"]}
        await liar.post("/invitations", {"url": made["short_url"]})
        await institute.wait_for(f"/offers/{made['id']}", "receipt", "KEPT")
        (revoked,) = {listed["id"] for listed in (await liar.get("/credentials"))["items"]} - before
        assert (await institute.post(f"/credentials/{made['id']}/revoke"))["published"]
        ended = await scene.lie(QUESTION, answers(scene.credentials["liar"], maltese=revoked))
        assert (ended["decision"]["verdict"], codes(ended)[0]) == ("NOT_TRUSTED", "proof.invalid")

    async def test_refuses_certificates_of_two_people_where_names_are_asked(self, scene: Scene) -> None:
        """A friend had it issued into the liar's wallet: one link secret, two people."""
        friends = await scene.issue("liar", "language/1.0", family_name="Silva")
        named = QUESTION | {"subject": "name"}
        ended = await scene.lie(named, answers(scene.credentials["liar"], maltese=friends))
        assert (ended["decision"]["verdict"], codes(ended)[0]) == ("NOT_TRUSTED", "subject.differs")
        honest = await scene.lie(named, answers(scene.credentials["liar"]))
        assert honest["decision"]["verdict"] == "TRUSTED"


class TestALinkForMany:
    async def link(self, scene: Scene, **changed: Any) -> dict[str, Any]:
        question = {"place": "Malta", "credentials": [TRADE, MALTESE]}
        made: dict[str, Any] = await scene.employer.post(
            "/links", {"title": "Welders", "question": question, **changed}
        )
        return made

    async def applicants(self, scene: Scene, link: dict[str, Any]) -> list[dict[str, Any]]:
        return list((await scene.employer.get(f"/links/{link['id']}/applicants"))["items"])

    async def test_each_applicant_has_an_exchange_and_a_reference_that_both_sides_see(self, scene: Scene) -> None:
        link = await self.link(scene)
        worker, liar = scene.wallet("worker"), scene.wallet("liar")
        opened = await worker.post("/invitations", {"url": link["short_url"]})
        assert opened["kind"] == "request"
        assert (await worker.post("/invitations", {"url": link["short_url"]}))["id"] == opened["id"]
        other = await liar.post("/invitations", {"url": link["invitation_url"]})
        first, second = await self.applicants(scene, link)
        assert first["ref"] != second["ref"]
        assert (await liar.get(f"/requests/{other['id']}"))["proof_request"]["name"] == f"employer [{second['ref']}]"
        shown = await worker.get(f"/requests/{opened['id']}")
        assert shown["purpose"] == "employment"
        chosen = {part["name"]: part["credentials"][0]["credential_id"] for part in shown["parts"]}
        await worker.post(f"/requests/{opened['id']}/present", {"credentials": chosen})
        by_kind = scene.credentials["liar"]
        low = {"trade": by_kind["qualification/1.0"], "maltese": by_kind["experience/1.0"]}
        await scene.employer.wait_for(f"/requests/{first['id']}", "state", "DECIDED")
        await liar.post(f"/requests/{other['id']}/forge", {"credentials": low | {"maltese": by_kind["language/1.0"]}})
        await scene.employer.wait_for(f"/requests/{second['id']}", "state", "DECIDED")
        ended = await self.applicants(scene, link)
        assert [request["verdict"] for request in ended] == ["TRUSTED", "TRUSTED"]
        assert [request["ref"] for request in ended] == [first["ref"], second["ref"]]
        assert (await scene.employer.get(f"/links/{link['id']}"))["applicants"] == 2

    async def test_a_link_that_is_full_or_closed_asks_nobody(self, scene: Scene) -> None:
        full, closed = await self.link(scene, most_applicants=1), await self.link(scene)
        await scene.wallet("worker").post("/invitations", {"url": full["short_url"]})
        assert not (await scene.employer.get(f"/links/{full['id']}"))["is_open"]
        assert not (await scene.employer.post(f"/links/{closed['id']}/close"))["is_open"]
        liar = scene.wallet("liar")
        opened = await asyncio.gather(
            *(liar.post("/invitations", {"url": link["invitation_url"]}) for link in (full, closed)),
            return_exceptions=True,
        )
        assert [type(outcome) for outcome in opened] == [AppError, AppError]
        assert [len(await self.applicants(scene, link)) for link in (full, closed)] == [1, 0]

    async def test_a_link_that_nobody_could_answer_is_not_made(self, scene: Scene) -> None:
        with pytest.raises(AppError, match="no accredited issuer"):
            await self.link(scene, question={"place": "DEU", "credentials": [TRADE]})
