"""Our wallet behind our mediator: it has no address and no socket for others, and misses nothing, killed or not."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.abuse.town import Town
from tests.flow.operator_eyes import a_day_passes, seen_by_operator
from tests.welders import CLAIM as WELDER

from wanderbuch.agents.machine import AgentHandle

pytestmark = [pytest.mark.agents, pytest.mark.system, pytest.mark.asyncio(loop_scope="session")]

WELDER_3 = {"occupation": "C7212", "jurisdiction": "MLT", "min_eqf_level": 3}
PERSONAL = ("credential_id", "family_name", "birth_date", "qualification_title", "awarding_body", "awarded_on")
_LISTENS = "0A"  # of /proc/net/tcp


class Scene:
    """A phone, its mediator, an academy and an employer."""

    def __init__(self, town: Town) -> None:
        assert town.academy is not None
        assert town.mediator is not None
        self.academy, self.mediator = town.academy, town.mediator
        self.phone, self.employer = town.people["phone"], town.people["employer"]

    async def opened(self, made: dict[str, Any]) -> str:
        """Return the id that an offer or a question has in the phone."""
        return str((await self.phone.post("/invitations", {"url": made["short_url"]}))["id"])

    async def restart(self, agent: AgentHandle) -> None:
        await agent.kill()
        await agent.start()

    async def proves(self, credential: str, **asked: Any) -> str:
        """Prove, and return the id of the question in the phone."""
        made = await self.employer.post("/requests", {"requirement": WELDER_3, **asked})
        request = await self.opened(made)
        await self.phone.post(f"/requests/{request}/present", {"credential_id": credential})
        ended = await self.employer.wait_for(f"/requests/{made['id']}", "state", "DECIDED", "DECLINED", "NO_ANSWER")
        assert ended["decision"]["verdict"] == "TRUSTED", ended["decision"]
        return request


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def scene(shared_town: Town) -> Scene:
    return Scene(shared_town)


def listening(process_id: int) -> list[int]:
    """The ports on which a process listens."""
    folder = Path(f"/proc/{process_id}")
    links = [str(entry.readlink()) for entry in (folder / "fd").iterdir()]
    sockets = {link.removeprefix("socket:[").removesuffix("]") for link in links if link.startswith("socket:[")}
    lines = [line.split() for name in ("tcp", "tcp6") for line in (folder / "net" / name).read_text().splitlines()[1:]]
    return sorted(int(line[1].rpartition(":")[2], 16) for line in lines if line[3] == _LISTENS and line[9] in sockets)


async def test_a_wallet_without_an_address_takes_proves_and_hears_whoever_is_killed(scene: Scene) -> None:
    phone, mediator = scene.phone, scene.mediator
    assert phone.process is not None
    assert listening(phone.process.pid) == [phone.app_port]
    offer = await scene.academy.post("/offers", {"claim": WELDER})
    taken = await scene.opened(offer)
    await scene.restart(phone)
    await phone.post(f"/offers/{taken}/accept")
    await scene.restart(phone)
    done = await phone.wait_for(f"/offers/{taken}", "state", "RECEIVED")
    await scene.restart(mediator)
    request = await scene.proves(done["credential_id"])
    await phone.post(f"/requests/{request}/erase")
    await phone.wait_for(f"/requests/{request}/erasure", "state", "ANSWERED")
    await phone.stop()
    # Nobody has the phone's answer in hand now: what is said to it goes by its mediator.
    assert (await scene.academy.post(f"/credentials/{offer['id']}/revoke"))["published"]
    async with asyncio.timeout(120):
        while not (await mediator.get("/status"))["messages"]:  # noqa: ASYNC110 (it tells nobody)
            await asyncio.sleep(0.05)
    await mediator.kill()
    seen, waiting = await seen_by_operator(mediator)
    assert waiting
    assert all(b'"ciphertext"' in message for message in waiting)
    for secret in (*(WELDER[name] for name in PERSONAL), scene.academy.host, scene.employer.host, "issue-credential"):
        assert not [item[:200] for item in seen if secret.encode() in item], secret
    assert a_day_passes(mediator) == len(waiting)
    await phone.start()  # it is ready without its mediator
    await mediator.start()
    async with asyncio.timeout(120):
        while not (await scene.academy.get(f"/offers/{offer['id']}"))["revocation"]["told_at"]:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert (await phone.get(f"/credentials/{done['credential_id']}"))["revocation"] == "revoked"


async def test_while_its_mediator_is_away_a_wallet_says_so_and_goes_on_later(scene: Scene) -> None:
    offer = await scene.academy.post("/offers", {"claim": WELDER})
    await scene.mediator.kill()
    opening = asyncio.create_task(scene.opened(offer))
    refused = (await asyncio.gather(opening, return_exceptions=True))[0]
    assert "mediator" in str(refused)
    await scene.mediator.start()
    taken = await scene.opened(offer)
    await scene.phone.post(f"/offers/{taken}/accept")
    await scene.phone.wait_for(f"/offers/{taken}", "state", "RECEIVED")
