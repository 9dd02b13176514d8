"""An authority, a centre whose DID is on the ledger, a worker and an employer: real agents of ours, on the pool."""

import asyncio
from pathlib import Path
from typing import Any

from tests.pool.nodes import IndyPool
from tests.pool.trustee import Identity
from tests.pool.wallets import NAMESPACE
from tests.prepared import start_prepared
from tests.welders import CLAIM, accreditation, governance_file

from wanderbuch.agents.machine import LocalMachine
from wanderbuch.governance.form.cte_model import DESCRIPTION
from wanderbuch.governance.form.model import ACCREDITATION

type Json = dict[str, Any]

REQUIREMENT = {"occupation": "C7212", "jurisdiction": "MLT", "min_eqf_level": 3}


class Place:
    """Colombo, on a ledger.

    Args:
        folder: where everything is written.
        pool: the ledger.
        identity: the centre's, which may write there.
        issuer_did: as the centre and the governance file write its DID.
    """

    def __init__(self, folder: Path, pool: IndyPool, identity: Identity, issuer_did: str) -> None:
        self.issuer_did = issuer_did
        self.machine = LocalMachine(folder, start_child=start_prepared)
        seed = folder / "indy.seed"
        seed.touch(mode=0o600)
        seed.write_bytes(identity.seed)
        self.centre_settings: Json = {"registry_size": 8, "indy_did": issuer_did, "indy_seed_file": str(seed)}
        self.ledgers: Json = {"ledgers": [{"namespace": NAMESPACE, "genesis_file": str(pool.genesis)}]}
        add = self.machine.add
        self.authority = add(
            "authority",
            "Authority of Lanka",
            "authority.wanderbuch.test",
            authority={"ecosystem": "lanka", "four_eyes": False},
        )
        self.centre = add("issuer", "Colombo Welding Centre", "centre.wanderbuch.test", issuer=self.centre_settings)
        self.worker = add("holder", "Nimal", "worker.wanderbuch.test")
        self.employer = add("verifier", "Valletta Shipyard", "shipyard.wanderbuch.test")
        self.did = ""
        self.schema_ids: list[str] = []
        self.accredited: dict[str, str] = {}
        self.version = 0

    async def open(self) -> None:
        """Start everybody; the centre writes what it needs on the ledger, and is accredited."""
        await self.begin()
        await self.accredit()

    async def begin(self) -> None:
        """Start everybody; the centre may still wait for something."""
        await self.authority.start()
        view = await self.authority.get("/identity")
        self.did, self.schema_ids = view["did"], [view["schemas"]["qualification/1.0"]]
        for agent in (self.centre, self.worker, self.employer):
            agent.configure(governance={"url": view["governance_url"], "author": self.did}, indy=self.ledgers)
        await self.publish()
        await asyncio.gather(self.centre.start(), self.worker.start(), self.employer.start())

    async def accredit(self) -> Json:
        """Accredit the centre for what it stands on now, beside what it stood on before."""
        standing = await self.standing()
        self.accredited[standing["did"]] = standing["cred_def_id"]
        self.schema_ids = list(dict.fromkeys([*self.schema_ids, standing["schema_id"]]))
        await self.publish()
        for agent in (self.centre, self.worker, self.employer):
            await agent.post("/governance/refresh")
        return standing

    async def standing(self) -> Json:
        """Wait until the centre can issue; it may have to make its keys first."""
        standing: Json = {}
        try:
            async with asyncio.timeout(300):
                while not (standing := await self.centre.get("/standing"))["ready"]:  # noqa: ASYNC110
                    await asyncio.sleep(0.2)
        except TimeoutError:
            raise RuntimeError(f"the centre cannot issue: {standing}") from None
        return dict(standing)

    async def publish(self) -> None:
        """Publish the next version of the governance file."""
        self.version += 1
        entries: Json = {DESCRIPTION: {self.did: {"name": "Authority of Lanka"}}}
        if self.accredited:
            entries[ACCREDITATION] = {
                did: {"accreditations": [accreditation([definition], id=f"acc-{number}")]}
                for number, (did, definition) in enumerate(self.accredited.items())
            }
        payload = governance_file(
            self.did, self.schema_ids[0], entries, version=self.version, updated="2026-01-01T00:00:00Z"
        )
        payload["schemas"] = [{"id": schema_id, "name": "qualification/1.0"} for schema_id in self.schema_ids]
        await self.authority.post("/versions", {"payload": payload})

    async def issue(self) -> tuple[Json, str]:
        """Return an offer that was accepted, and the credential's id in the worker's wallet."""
        made = await self.centre.post("/offers", {"claim": CLAIM})
        opened = await self.worker.post("/invitations", {"url": made["short_url"]})
        await self.worker.post(f"/offers/{opened['id']}/accept")
        issued = await self.centre.wait_for(f"/offers/{made['id']}", "receipt", "KEPT")
        kept = await self.worker.wait_for(f"/offers/{opened['id']}", "state", "RECEIVED")
        return issued, kept["credential_id"]

    async def asked(self) -> tuple[Json, str]:
        """Let the employer ask; return its question, and the question's id in the worker's wallet."""
        question = await self.employer.post("/requests", {"requirement": REQUIREMENT})
        opened = await self.worker.post("/invitations", {"url": question["short_url"]})
        return question, opened["id"]

    async def prove(self, credential: str) -> Json:
        """Let the worker show a credential to the employer, and return the decision."""
        question, request = await self.asked()
        await self.worker.post(f"/requests/{request}/present", {"credential_id": credential})
        return await self.decided(question)

    async def decided(self, question: Json) -> Json:
        """Wait for the employer's decision."""
        ended = await self.employer.wait_for(f"/requests/{question['id']}", "state", "DECIDED", timeout_s=60)
        return dict(ended["decision"])


def reasons(decision: Json) -> set[str]:
    """Return the codes of a decision's reasons."""
    return {reason["code"] for reason in decision["reasons"]}
