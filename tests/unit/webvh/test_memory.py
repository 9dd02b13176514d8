import asyncio

import pytest
from acapy_agent.core.profile import Profile
from tests.processes import Processes

from wanderbuch.plugins.webvh.errors import ForkError, LogHistoryError, ShortenedHistoryError
from wanderbuch.plugins.webvh.memory import InMemoryLogMemory, LogMemory, WalletLogMemory

DID = "did:webvh:a"


@pytest.fixture(params=["memory", "wallet"])
async def memory(request: pytest.FixtureRequest, wallet: Profile) -> LogMemory:
    return InMemoryLogMemory() if request.param == "memory" else WalletLogMemory(wallet)


async def test_accepts_a_history_that_grows(memory: LogMemory) -> None:
    await memory.accept(DID, {1: "1-a"})
    await memory.accept(DID, {1: "1-a", 2: "2-b"})
    await memory.accept(DID, {1: "1-a", 2: "2-b"})


async def test_refuses_a_shorter_history(memory: LogMemory) -> None:
    await memory.accept(DID, {1: "1-a", 2: "2-b"})
    with pytest.raises(ShortenedHistoryError):
        await memory.accept(DID, {1: "1-a"})


async def test_refuses_another_entry_in_the_place_of_the_last_one(memory: LogMemory) -> None:
    await memory.accept(DID, {1: "1-a", 2: "2-b"})
    with pytest.raises(ForkError):
        await memory.accept(DID, {1: "1-a", 2: "2-c"})


async def test_refuses_a_longer_history_that_forks_before_its_end(memory: LogMemory) -> None:
    await memory.accept(DID, {1: "1-a", 2: "2-b"})
    with pytest.raises(ForkError):
        await memory.accept(DID, {1: "1-a", 2: "2-c", 3: "3-d"})


async def test_a_refused_history_is_not_remembered(memory: LogMemory) -> None:
    await memory.accept(DID, {1: "1-a"})
    with pytest.raises(ForkError):
        await memory.accept(DID, {1: "1-x", 2: "2-y"})
    await memory.accept(DID, {1: "1-a", 2: "2-b"})


async def test_histories_of_two_subjects_are_kept_apart(memory: LogMemory) -> None:
    await memory.accept(DID, {1: "1-a", 2: "2-b"})
    await memory.accept("did:webvh:b", {1: "1-x"})


async def test_remembers_the_newest_of_histories_that_arrive_at_the_same_time(memory: LogMemory) -> None:
    history = {number: f"{number}-x" for number in range(1, 9)}
    shown = [{key: history[key] for key in range(1, length + 1)} for length in (3, 8, 5, 1, 7)]
    await asyncio.gather(*(memory.accept(DID, part) for part in shown), return_exceptions=True)
    with pytest.raises(ShortenedHistoryError):
        await memory.accept(DID, shown[-1])
    await memory.accept(DID, history)


async def test_the_wallet_remembers_beyond_the_process(wallet: Profile) -> None:
    await WalletLogMemory(wallet).accept(DID, {1: "1-a", 2: "2-b"})
    with pytest.raises(ShortenedHistoryError):
        await WalletLogMemory(wallet).accept(DID, {1: "1-a"})


async def test_before_the_wallet_is_open_nothing_is_accepted(wallet: Profile) -> None:
    memory = WalletLogMemory()
    with pytest.raises(LogHistoryError, match="not open"):
        await memory.accept(DID, {1: "1-a"})
    memory.attach(wallet)
    await memory.accept(DID, {1: "1-a"})


async def test_a_damaged_memory_is_no_empty_memory(wallet: Profile) -> None:
    await WalletLogMemory(wallet).accept(DID, {1: "1-a"})
    async with wallet.session() as session:
        await session.handle.replace("wanderbuch.webvh.seen", DID, value="{}")
    with pytest.raises(LogHistoryError, match="damaged"):
        await WalletLogMemory(wallet).accept(DID, {1: "1-a"})


async def test_a_history_that_says_nothing_new_is_not_looked_up_again(
    wallet: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = WalletLogMemory(wallet)
    await memory.accept(DID, {1: "1-a", 2: "2-b"})
    with monkeypatch.context() as patch:
        patch.setattr(type(wallet), "session", _no_session)
        await memory.accept(DID, {1: "1-a", 2: "2-b"})
        with pytest.raises(ShortenedHistoryError):
            await memory.accept(DID, {1: "1-a"})
        with pytest.raises(ForkError):
            await memory.accept(DID, {1: "1-a", 2: "2-x"})
    await memory.accept(DID, {1: "1-a", 2: "2-b", 3: "3-c"})
    with pytest.raises(ShortenedHistoryError):
        await WalletLogMemory(wallet).accept(DID, {1: "1-a", 2: "2-b"})


@pytest.mark.needs("postgresql")
async def test_where_processes_share_a_store_none_is_shown_less_than_another_has_seen(processes: Processes) -> None:
    ours, theirs = (WalletLogMemory(process.profile) for process in processes.both)
    await ours.accept(DID, {1: "1-a"})
    await theirs.accept(DID, {1: "1-a", 2: "2-b"})
    with pytest.raises(ShortenedHistoryError):
        await ours.accept(DID, {1: "1-a"})


def _no_session(*_: object) -> None:
    raise AssertionError("the store was asked")


async def test_what_was_remembered_under_the_name_of_a_did_still_counts_under_its_scid(memory: LogMemory) -> None:
    await memory.accept(f"{DID}:old.example:org", {1: "1-a", 2: "2-b"})
    names = (f"{DID}:new.example:org", f"{DID}:old.example:org")
    with pytest.raises(ShortenedHistoryError):
        await memory.accept(DID, {1: "1-a"}, formerly=names)
    with pytest.raises(ForkError):
        await memory.accept(DID, {1: "1-a", 2: "2-x", 3: "3-c"}, formerly=names)
    await memory.accept(DID, {1: "1-a", 2: "2-b", 3: "3-c"}, formerly=names)
    with pytest.raises(ShortenedHistoryError):
        await memory.accept(DID, {1: "1-a", 2: "2-b"}, formerly=names)
