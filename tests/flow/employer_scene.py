"""An employer, a worker with a welder's credential, and a liar, all real agents."""

from dataclasses import dataclass
from typing import Any

from tests.abuse.town import Town
from tests.welders import CLAIM as WELDER
from tests.welders import LEVELS, certificate

from wanderbuch.agents.machine import AgentHandle

WELDER_3 = {"occupation": "C7212", "jurisdiction": "MLT", "min_eqf_level": 3}


@dataclass
class Scene:
    """Everybody, and the credentials of the two wallets."""

    town: Town
    employer: AgentHandle
    worker: AgentHandle
    liar: AgentHandle
    credential: str = ""

    async def ask(self, requirement: dict[str, Any], **how: Any) -> dict[str, Any]:
        asked: dict[str, Any] = await self.employer.post("/requests", {"requirement": requirement, **how})
        return asked

    async def ended(self, asked: dict[str, Any]) -> dict[str, Any]:
        path = f"/requests/{asked['id']}"
        request: dict[str, Any] = await self.employer.wait_for(path, "state", "DECIDED", "DECLINED", "NO_ANSWER")
        return request

    async def opened(self, wallet: AgentHandle, asked: dict[str, Any], key: str = "short_url") -> str:
        opened = await wallet.post("/invitations", {"url": asked[key]})
        assert opened["kind"] == "request"
        return str(opened["id"])

    async def liars_credential(self, issuer: AgentHandle, **changed: Any) -> str:
        levels = {name: changed.pop(name, value) for name, value in LEVELS.items()}
        before = {credential["id"] for credential in (await self.liar.get("/credentials"))["items"]}
        made = await issuer.post("/offers", {"claim": certificate(WELDER, **changed), **levels})
        opened = await self.liar.post("/invitations", {"url": made["invitation_url"]})
        await issuer.wait_for(f"/offers/{made['id']}", "state", "done")
        assert opened["kind"] == "offer"
        (new,) = {credential["id"] for credential in (await self.liar.get("/credentials"))["items"]} - before
        return str(new)

    async def answered(self, **asked: Any) -> dict[str, Any]:
        """Return a request that the worker has answered honestly."""
        made = await self.ask({**WELDER_3, **asked})
        request = await self.opened(self.worker, made)
        await self.worker.post(f"/requests/{request}/present", {"credential_id": self.credential})
        return await self.ended(made)


async def open_scene(shared_town: Town) -> Scene:
    """Return the scene, in which the worker has a credential."""
    people = shared_town.people
    scene = Scene(shared_town, people["employer"], people["worker"], people["liar"])
    made = await shared_town.centre.post("/offers", {"claim": WELDER, **LEVELS})
    opened = await scene.worker.post("/invitations", {"url": made["invitation_url"]})
    await scene.worker.post(f"/offers/{opened['id']}/accept")
    done = await scene.worker.wait_for(f"/offers/{opened['id']}", "state", "RECEIVED")
    scene.credential = done["credential_id"]
    return scene


def codes(ended: dict[str, Any]) -> list[str]:
    return [reason["code"] for reason in ended["decision"]["reasons"]]
