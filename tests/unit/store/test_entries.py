import ast
from pathlib import Path

import pytest
from acapy_agent.core.profile import Profile
from acapy_agent.utils.testing import create_test_profile

from wanderbuch.agents.runtime.store import WalletProfile
from wanderbuch.store.entries import fetch_entries

ROOT = Path(__file__).parents[3]
CATEGORY = "wanderbuch.test"
# Who reads pages of a scan makes the list itself.
STORE = ROOT / "src" / "wanderbuch" / "store"
LISTS_THEM_ITSELF = {STORE / "entries.py", STORE / "rebuild.py", ROOT / "agents" / "holder" / "reading.py"}


@pytest.fixture(params=["an agent's wallet", "somebody else's ACA-Py"])
async def profile(request: pytest.FixtureRequest, wallet: WalletProfile) -> Profile:
    if request.param == "an agent's wallet":
        return wallet
    return await create_test_profile({"wallet.type": "askar-anoncreds"})


async def test_what_was_fetched_can_be_iterated_as_a_comprehension_of_any_3_13_does(profile: Profile) -> None:
    async with profile.session() as session:
        for name in ("a", "b", "c"):
            await session.handle.insert(CATEGORY, name, "{}", {"even": "yes" if name == "b" else "no"})
        everything = await fetch_entries(session, CATEGORY, order_by="id")
        some = await fetch_entries(session, CATEGORY, {"even": "no"}, limit=1, order_by="id")
    # From 3.13.4 on a comprehension calls iter() on the iterator that it was given.
    assert [entry.name for entry in iter(iter(everything))] == ["a", "b", "c"]
    assert [entry.name for entry in iter(iter(some))] == ["a"]


@pytest.mark.parametrize("folder", ["agents", "plugins", "src/wanderbuch/store", "tests"])
def test_nobody_fetches_entries_past_it(folder: str) -> None:
    past = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        if path not in LISTS_THEM_ITSELF
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in {"fetch_all", "fetch_all_keys"}
    ]
    assert not past, f"use wanderbuch.store.entries.fetch_entries: {past}"
