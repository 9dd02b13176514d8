"""Sessions that stay open for who comes next: never one that another profile had, nor one with a call under way."""

import asyncio

import pytest
from acapy_agent.core.error import ProfileSessionInactiveError
from acapy_agent.storage.base import BaseStorage
from acapy_agent.wallet.base import BaseWallet
from aries_askar import AskarError, Session

from wanderbuch.agents.runtime.store import WalletProfile


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> list[Session]:
    """Return the sessions of Askar's that were closed."""
    sessions: list[Session] = []
    close = Session.close

    async def noted(self: Session) -> None:
        sessions.append(self)
        await close(self)

    monkeypatch.setattr(Session, "close", noted)
    return sessions


async def used(profile: WalletProfile) -> Session:
    async with profile.session() as session:
        await session.handle.fetch("kind", "name")
        handle: Session = session.handle.session
    return handle


async def test_the_next_session_goes_on_with_the_one_before(wallet: WalletProfile, closed: list[Session]) -> None:
    first = await used(wallet)
    assert await used(wallet) is first
    async with wallet.session() as outer, wallet.session() as inner:
        assert outer.handle.session is first is not inner.handle.session
        await outer.handle.insert("kind", "name", "value")
        assert (await inner.handle.fetch("kind", "name")).value == b"value"
    assert closed == []


async def test_a_name_that_is_taken_or_not_there_spoils_no_session(
    wallet: WalletProfile, closed: list[Session]
) -> None:
    first = await used(wallet)
    async with wallet.session() as session:
        await session.handle.insert("kind", "name", "value")
        with pytest.raises(AskarError):
            await session.handle.insert("kind", "name", "value")
        with pytest.raises(AskarError):
            await session.handle.remove("kind", "none")
    assert await used(wallet) is first
    assert closed == []


async def test_a_session_whose_call_failed_is_closed(
    wallet: WalletProfile, closed: list[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await used(wallet)

    async def fails(*_: object, **__: object) -> None:
        raise TimeoutError

    async with wallet.session() as session:
        with monkeypatch.context() as patch:
            patch.setattr(Session, "count", fails)
            with pytest.raises(TimeoutError):
                await session.handle.count("kind")
    assert closed == [first]
    assert await used(wallet) is not first


async def test_a_session_with_a_call_under_way_is_closed(
    wallet: WalletProfile, closed: list[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await used(wallet)
    reached = asyncio.Event()

    async def never(*_: object, **__: object) -> None:
        reached.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(Session, "count", never)

    async def look() -> None:
        async with wallet.session() as session:
            await asyncio.gather(session.handle.fetch("kind", "name"), session.handle.count("kind"))

    task = asyncio.create_task(look())
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert closed
    assert all(session is first for session in closed)  # it is closed again as long as the call is under way


async def test_a_transaction_is_never_kept(wallet: WalletProfile, closed: list[Session]) -> None:
    async with wallet.transaction() as transaction:
        await transaction.handle.insert("kind", "name", "value")
        handle = transaction.handle.session
    assert closed == [handle]
    async with wallet.session() as session:
        assert await session.handle.fetch("kind", "name") is None  # it was not committed


async def test_a_session_is_kept_for_its_own_profile_alone(wallet: WalletProfile) -> None:
    other_name = await wallet.store.create_profile("other")
    other = WalletProfile(wallet.opened, wallet.context, wallet.guard, other_name)
    first = await used(wallet)
    second = await used(other)
    assert first is not second
    async with wallet.session() as session:
        await session.handle.insert("kind", "name", "value")
    async with other.session() as session:
        assert session.handle.session is second
        assert await session.handle.fetch("kind", "name") is None


async def test_few_are_kept_and_none_once_the_store_is_to_be_closed(
    wallet: WalletProfile, closed: list[Session]
) -> None:
    async with asyncio.TaskGroup() as tasks:
        for _ in range(12):
            tasks.create_task(used(wallet))
    most = wallet.opened.kept.most
    assert len(closed) <= 12 - most
    await wallet.opened.kept.close()
    assert await used(wallet) is closed[-1]
    assert await used(wallet) is closed[-1]


async def test_a_sessions_own_scope_is_made_when_it_is_asked_for(wallet: WalletProfile) -> None:
    async with wallet.session() as session:
        await session.handle.fetch("kind", "name")
        assert session._scope is None
        assert session.inject(BaseStorage) is not None
        assert session.inject(BaseWallet) is not None
        assert session.settings is session.context.settings
        assert session._scope is not None
    with pytest.raises(ProfileSessionInactiveError):
        session.inject(BaseStorage)


async def test_of_a_removed_profile_none_is_kept(wallet: WalletProfile, closed: list[Session]) -> None:
    first = await used(wallet)
    kept = wallet.opened.kept
    async with wallet.session() as in_use:
        await kept.forget(wallet.profile_id)
        handle = in_use.handle.session
    assert (handle is first, closed) == (True, [first])
    assert await used(wallet) is not first
