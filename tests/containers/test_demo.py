"""The demo's agents in containers: they start on this machine's network, reach one another, and end with it.

All its scenes play in containers in `test_scale`; those of `demo --image` in `tests/soak/test_demos.py`.
"""

from pathlib import Path

import pytest

from wanderbuch.agents.demo.example import example_payload
from wanderbuch.agents.demo.ground import Ground
from wanderbuch.agents.demo.stage import Stage

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.agents, pytest.mark.needs("containers")]


async def test_agents_of_the_demo_reach_one_another_from_containers(image: str, tmp_path: Path) -> None:
    stage = Stage(ROOT, tmp_path / "demo", lambda _: None, Ground(image=image))
    authority, worker = stage.authority, stage.holder
    authority.configure(authority={"ecosystem": "sri-lanka", "four_eyes": False})
    try:
        await authority.start()
        about = await authority.get("/identity")
        payload = example_payload({authority.host: about["did"]}, {}, about["schemas"]["qualification/1.0"])
        await authority.post("/versions", {"payload": payload})
        worker.configure(governance={"url": about["governance_url"], "author": about["did"]})
        await worker.start()
        told = await worker.post("/governance/refresh")
        assert (told["current"]["version"], told["is_fresh"]) == (1, True), told
        assert [await agent.stop() for agent in (worker, authority)] == [0, 0]
    finally:
        await stage.close()
