"""What people do with the agents of a project: offer, accept, ask, show."""

import asyncio
from dataclasses import dataclass
from typing import Any, Self

import pytest
from tests.containers.project import Project

from wanderbuch.agents.demo.example import example_claim
from wanderbuch.agents.machine.app_client import AppError

WELDER = {"occupation": "C7212", "jurisdiction": "MLT", "min_eqf_level": 3}


def is_refused_as_revoked(err: AppError) -> bool:
    """Tell whether a wallet would not show a credential since it is revoked, and for nothing else."""
    return [reason["code"] for reason in err.problem["reasons"]] == ["fit.revoked"]


async def offered(project: Project) -> tuple[dict[str, Any], str]:
    """Have the issuer offer a credential and the wallet open it; return the offer and the wallet's id of it."""
    made = await project.clients["issuer"].post("/offers", {"claim": example_claim()})
    opened = await project.clients["holder"].post("/invitations", {"url": made["invitation_url"]})
    return made, str(opened["id"])


async def accept(project: Project, offer_id: str) -> None:
    """Accept an offer; where the wallet cannot check it now, since the issuer is just away, try again as people do."""
    async with asyncio.timeout(120):
        while True:
            try:
                await project.clients["holder"].post(f"/offers/{offer_id}/accept")
            except AppError as err:
                if err.problem.get("judgement", {}).get("verdict") != "UNKNOWN":
                    raise
                await asyncio.sleep(0.5)
            else:
                return


async def received(project: Project, offer_id: str) -> str:
    done = await project.clients["holder"].wait_for(f"/offers/{offer_id}", "state", "RECEIVED", timeout_s=120)
    return str(done["credential_id"])


async def verdict(project: Project, credential_id: str) -> str:
    """Ask for a welder, show this credential, and return what was decided."""
    asked = await project.clients["verifier"].post("/requests", {"requirement": WELDER})
    opened = await project.clients["holder"].post("/invitations", {"url": asked["short_url"]})
    await project.clients["holder"].post(f"/requests/{opened['id']}/present", {"credential_id": credential_id})
    ended = await project.clients["verifier"].wait_for(f"/requests/{asked['id']}", "state", "DECIDED", timeout_s=120)
    return str(ended["decision"]["verdict"])


async def issued(project: Project) -> tuple[str, str]:
    """Issue a credential; return the id of its offer at the issuer, and its own in the wallet."""
    made, offer = await offered(project)
    await accept(project, offer)
    return str(made["id"]), await received(project, offer)


async def place_of(project: Project, made: str) -> tuple[str, int]:
    """Return the registry of an offer's credential, and its place there."""
    offer = await project.clients["issuer"].get(f"/offers/{made}")
    return str(offer["registry"]), int(offer["index"])


@dataclass(slots=True)
class InMidExchange:
    """An offer and a question that nobody has answered, and a credential to be revoked: across a loss and a restore.

    Args:
        given: places in registries that credentials have.
    """

    project: Project
    kept: tuple[str, str]
    revoked: tuple[str, str]
    waiting: tuple[str, str]
    question: tuple[str, str]
    given: set[tuple[str, int]]

    @classmethod
    async def begin(cls, project: Project) -> Self:
        kept, revoked = await issued(project), await issued(project)
        made, offer = await offered(project)
        asked = await project.clients["verifier"].post("/requests", {"requirement": WELDER, "deadline_s": 3600})
        opened = await project.clients["holder"].post("/invitations", {"url": asked["short_url"]})
        given = {await place_of(project, offer_id) for offer_id, _ in (kept, revoked)}
        return cls(project, kept, revoked, (str(made["id"]), offer), (asked["id"], opened["id"]), given)

    async def go_on_until_the_loss(self) -> None:
        """Do what no backup knows: one more credential, and a revocation."""
        late, _ = await issued(self.project)
        self.given.add(await place_of(self.project, late))
        revoked = await self.project.clients["issuer"].post(f"/credentials/{self.revoked[0]}/revoke")
        assert revoked["published"]

    async def go_on_after_the_restore(self) -> None:
        """Answer what was open; no place is given twice, and what was revoked stays so."""
        clients = self.project.clients
        await clients["issuer"].wait_for(f"/offers/{self.revoked[0]}", "state", "REVOKED")
        await accept(self.project, self.waiting[1])
        await received(self.project, self.waiting[1])
        fresh, _ = await issued(self.project)
        now = {await place_of(self.project, offer_id) for offer_id in (self.waiting[0], fresh)}
        assert len(now) == 2
        assert not now & self.given
        await clients["holder"].post(f"/requests/{self.question[1]}/present", {"credential_id": self.kept[1]})
        ended = await clients["verifier"].wait_for(f"/requests/{self.question[0]}", "state", "DECIDED", timeout_s=120)
        assert ended["decision"]["verdict"] == "TRUSTED"
        with pytest.raises(AppError) as refused:
            await verdict(self.project, self.revoked[1])
        assert is_refused_as_revoked(refused.value)
