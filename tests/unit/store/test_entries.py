import ast
from pathlib import Path

import pytest
from acapy_agent.core.profile import Profile
from acapy_agent.utils.testing import create_test_profile

from wanderbuch.agents.runtime.store import WalletProfile
from wanderbuch.store.entries import fetch_entries

ROOT = Path(__file__).parents[3]
CATEGORY = "wanderbuch.test"


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


SEVERAL = ("fetch_all", "fetch_all_keys")


def fetched_in(source: str) -> list[int]:
    """Return the lines that fetch several entries and do not make a list of them at once."""
    if not any(name in source for name in SEVERAL):
        return []  # to parse all there is takes ten times as long
    tree = ast.parse(source)
    lists = {
        id(node.args[0].value.func)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "list"
        and node.args
        and isinstance(node.args[0], ast.Await)
        and isinstance(node.args[0].value, ast.Call)
    }
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in SEVERAL and id(node) not in lists
    ]


@pytest.mark.parametrize("folder", ["agents", "plugins", "src/wanderbuch/store", "tests"])
def test_nobody_fetches_entries_past_it(folder: str) -> None:
    past = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        for line in fetched_in(path.read_text())
    ]
    assert not past, f"use wanderbuch.store.entries.fetch_entries, or list(await …): {past}"


def test_what_is_no_list_is_seen() -> None:
    assert fetched_in("async def f(s): return [e for e in await s.fetch_all('a')]") == [1]
    assert fetched_in("async def f(s): return list(await s.fetch_all('a'))") == []
