"""A centre that nobody knows by a DID comes to issue what counts: listed, invited, checked in, approved."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from tests.flow.doubles import call
from tests.prepared import start_prepared
from tests.prepared.running import run_prepared
from tests.soak.village import WELDER, Village, ready_to_issue

from wanderbuch.agents.authority.changes import header_parts
from wanderbuch.agents.demo.example import example_claim, example_payload
from wanderbuch.governance.form.records import join, split

pytestmark = [pytest.mark.agents, pytest.mark.system, pytest.mark.asyncio(loop_scope="module")]

REGISTER_ID = "P01/0142"
TOLD = {"country": "LKA", "email": "office@centre.wanderbuch.test"}


class Joined:
    """A village whose authority lists the centre under its number, and knows nothing more of it."""

    def __init__(self, village: Village) -> None:
        self.village, self.authority, self.centre = village, village.authority, village.centre
        self.tokens: dict[str, str] = {}

    async def open(self) -> None:
        village = self.village
        await village.open_authority()
        await village.centre.start()
        await village.employer.start()
        centre = await ready_to_issue(village.centre)
        for name, roles in (("ed", ["editor"]), ("ann", ["approver"])):
            added = await self.authority.post("/officials", {"id": name, "name": name, "roles": roles})
            self.tokens[name] = added["token"]
        await self._publish(await self._listed(centre))
        await village.centre.post("/governance/refresh")
        await village.employer.post("/governance/refresh")
        await village.worker.start()

    async def at_desk(self, who: str, method: str, path: str, body: Any = None) -> dict[str, Any]:
        status, answer = await call(self.authority, method, path, body, self.tokens[who])
        assert status < 400, answer
        return dict(answer)

    async def verdict(self, credential_id: str) -> str:
        """Return what the employer decides of a certificate that the worker presents."""
        worker, employer = self.village.worker, self.village.employer
        made = await employer.post("/requests", {"requirement": WELDER, "deadline_s": 120})
        opened = await worker.post("/invitations", {"url": made["invitation_url"]})
        await worker.post(f"/requests/{opened['id']}/present", {"credential_id": credential_id})
        ended = await employer.wait_for(f"/requests/{made['id']}", "state", "DECIDED")
        return str(ended["decision"]["verdict"])

    async def close_centre(self) -> None:
        """End the centre's agent, and have the authority serve its public files from a copy; everybody starts anew."""
        did, machine, host = (await self.centre.get("/standing"))["did"], self.village.machine, self.centre.host
        others = (self.authority, self.village.worker, self.village.employer)
        await asyncio.gather(*(agent.stop() for agent in (self.centre, *others)))
        copy = self.authority.folder / "handed over"
        told = ("--did", did, "--from", str(self.centre.public_folder))
        await self._store("hand-over", *told, "--to", str(copy))
        self.centre.public_folder.rename(self.centre.folder / "gone")

        machine.reach(host, self.authority.target)
        machine.authority.write_server(host, self.authority.folder / "centre.crt", self.authority.folder / "centre.key")
        table = {"host": host, "tls_certificate": "centre.crt", "tls_key": "centre.key"}
        self.authority.configure(public={"hosts": [table]})
        await self.authority.start()
        told = ("--did", did, "--from", str(copy), "--name", "Centre", "--ask", self.authority.public_url)
        await self._store("take-over", "--config", str(self.authority.config_path), *told)
        await asyncio.gather(*(agent.start() for agent in others[1:]))

    async def _store(self, *told: str) -> None:
        code, _, err = await run_prepared("wanderbuch.agents.cli", "store", *told)
        assert code == 0, err

    async def _publish(self, payload: dict[str, Any]) -> None:
        """Publish a file as officials do: one writes it, another one approves."""
        header, records = split(payload)
        draft = await self.at_desk("ed", "POST", "/drafts", {"why": "The list of the ministry"})
        edit = {"header": header_parts(header), "records": records}
        await self.at_desk("ed", "PATCH", f"/drafts/{draft['id']}", edit)
        submitted = await self.at_desk("ed", "POST", f"/drafts/{draft['id']}/submit")
        approval = {"revision": submitted["revision"], "digest": submitted["digest"]}
        await self.at_desk("ann", "POST", f"/drafts/{draft['id']}/approve", approval)

    async def _listed(self, centre: dict[str, Any]) -> dict[str, Any]:
        """Return the example's file, with the centre under its number in the place of its DID."""
        about, employer = await self.authority.get("/identity"), await self.village.employer.get("/identity")
        payload = example_payload(
            dids={
                "authority.wanderbuch.test": about["did"],
                "centre.wanderbuch.test": centre["did"],
                "shipyard.wanderbuch.test": employer["did"],
            },
            cred_defs={"centre.wanderbuch.test": centre["cred_def_id"]},
            schema_id=centre["schema_id"],
        )
        header, records = split(payload)
        own = records.pop(centre["did"])
        signed_with = ("sources", "bindings", "status")
        scopes = [{name: one[name] for name in one if name not in signed_with} for one in own["accreditations"]]
        listing = {"name": own["description"]["name"], "accredited_for": scopes}
        return join(header, records | {REGISTER_ID: {"register_id": REGISTER_ID, "listing": listing}})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def joined(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Joined]:
    authority = {"four_eyes": True, "redress": "mailto:appeals@example.test", "intake": {"enabled": True}}
    village = Village(tmp_path_factory.mktemp("joining"), authority=authority, start_child=start_prepared)
    try:
        made = Joined(village)
        await made.open()
        yield made
    finally:
        await village.machine.stop()


async def test_listed_invited_checked_in_approved_and_what_it_issues_is_trusted(joined: Joined) -> None:
    centre, worker, employer = joined.centre, joined.village.worker, joined.village.employer
    # Listed: it stands in the register, and nothing that it would issue counts.
    assert (await centre.get("/joining"))["state"] == "NOT_JOINED"
    status, refused = await call(centre, "POST", "/offers", {"claim": example_claim()}, None)
    assert (status, refused["decision"]["verdict"]) == (409, "NOT_TRUSTED")
    # Invited by an editor; a code that is not of this invitation is told as such, and nothing is left of it.
    ends_at = datetime.now(UTC) + timedelta(days=30)
    invite = {"register_ids": [REGISTER_ID], "ends_at": ends_at.isoformat()}
    [invited] = (await joined.at_desk("ed", "POST", "/invitations", invite))["items"]
    status, wrong = await call(centre, "POST", "/joining/check-in", {**TOLD, "code": "H7QK"}, None)
    assert (status, wrong["code"]) == (422, "governance.check_in_code")
    # Checked in: what it signs with goes along, signed by its DID; nobody copies anything.
    checked_in = await centre.post("/joining/check-in", {**TOLD, "code": invited["code"]})
    assert checked_in["state"] == "WAITS"
    status, again = await call(centre, "POST", "/joining/check-in", {**TOLD, "code": invited["code"]}, None)
    assert (status, again["code"]) == (409, "not-taken")
    assert "somebody has checked in with this code already" in again["detail"]
    # A draft in the name of who invited it; who invited does not approve.
    [case] = (await joined.at_desk("ann", "GET", "/applications"))["items"]
    draft = await joined.at_desk("ann", "GET", f"/drafts/{case['draft_id']}")
    approval = {"revision": draft["revision"], "digest": draft["digest"]}
    status, _ = await call(joined.authority, "POST", f"/drafts/{draft['id']}/approve", approval, joined.tokens["ed"])
    assert status == 403
    assert (await centre.post("/joining/look"))["state"] == "WAITS"
    published = await joined.at_desk("ann", "POST", f"/drafts/{draft['id']}/approve", approval)
    assert published["state"] == "PUBLISHED"
    # "You may issue now, this is what."
    stands = await centre.post("/joining/look")
    assert (stands["state"], stands["application"]["standing"]["version"]) == ("MAY_ISSUE", 2)
    assert "C72" in str([one["occupations"] for one in stands["may_issue"]])
    # It issues, and both the worker's wallet and the employer's agent find that it counts.
    await worker.post("/governance/refresh")
    _, credential_id = await joined.village.issue()
    await employer.post("/governance/refresh")
    assert await joined.verdict(credential_id) == "TRUSTED"
    # It closes, and the authority serves its files: what it has issued goes on to count.
    await joined.close_centre()
    assert await joined.verdict(credential_id) == "TRUSTED"
