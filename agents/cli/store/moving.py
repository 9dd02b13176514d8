"""Moving an agent's store to a PostgreSQL, or back into a folder.

1. Both places are taken: no process of the agent runs on either, and none can start.
2. The target must be empty, or carry the mark of a move that did not come to its end: then what that left is removed.
   A whole store is never written over.
3. The mark is the name of the target's first profile, which is made together with its tables. Until it goes no agent
   opens the target.
4. Every profile is copied, keys and half-done work included, and compared by counts and digests.
5. Of the plain tables, what cannot be read from the wallet again is copied; the rest is read anew when the agent
   starts.
6. The copy of the default profile becomes the target's default, and the mark goes.

The source stays as it was.
"""

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Final

from aries_askar import AskarError, Store

from wanderbuch.agents.cli.store.contents import contents_of
from wanderbuch.agents.cli.store.places import locked, opened_store, place_of, profile_names
from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.agents.runtime.privacy import make_data_folder
from wanderbuch.agents.runtime.store import StoreGuard, WalletManager
from wanderbuch.agents.runtime.store_postgresql import HALF_COPIED, StartingLock, has_store, open_store, provision_store
from wanderbuch.agents.runtime.store_tables import open_engine
from wanderbuch.errors import ConfigurationError
from wanderbuch.store.engine import Engine, Statement
from wanderbuch.store.errors import StoreError

_PAGE: Final = 500
# `meta` says whose tables they are; leases end with the processes that held them; the others are read from the wallet.
_NOT_COPIED: Final = frozenset({"meta", "lease", "row", "built", "word", "own_key"})


class CopyDiffersError(StoreError):
    """What was copied is not what was there."""

    code = "store-copy-differs"


@dataclass(frozen=True, slots=True)
class Moved:
    """What was moved."""

    profiles: int
    entries: int
    keys: int
    rows: int


async def move(source: AgentConfig, target: AgentConfig, say: Callable[[str], None]) -> Moved:
    """Copy the store of an agent to another place.

    Args:
        source: the agent's configuration.
        target: the same with the other `[store]` or `data`.
        say: told what is being done.

    Raises:
        ConfigurationError: a place that is used or is not ours, or a target that has a store already.
        CopyDiffersError: the copy is not the same; the target keeps its mark.
    """
    if place_of(source) == place_of(target):
        raise ConfigurationError(f"the store is at {place_of(source)} already", hint="name another place with --to")
    async with AsyncExitStack() as stack:
        profile = await stack.enter_async_context(opened_store(source, alone=True))  # 1
        copy = await _opened_target(stack, target, say)  # 1 to 3
        engines = [await open_engine(config) for config in (source, target)]
        for engine in engines:
            stack.push_async_callback(engine.close)
        await _empty(copy, engines[1])  # 2
        names = await profile_names(profile.opened)
        default = next(name for name, opened_by in names.items() if opened_by is None)
        entries = keys = 0
        for number, name in enumerate(names, 1):  # 4
            say(f"profile {number} of {len(names)}")
            await profile.store.copy_profile_to(copy, name, name)
            before, after = await contents_of(profile.store, name), await contents_of(copy, name)
            if differs := before.differs_in(after):
                raise CopyDiffersError(
                    f"the copy of a profile differs in {', '.join(differs)}",
                    hint="run it again; if it stays so, run `wanderbuch store check` on the source",
                )
            entries, keys = entries + before.entries, keys + before.keys
        rows = await _copy_tables(*engines)  # 5
        await copy.set_default_profile(default)  # 6
        await copy.remove_profile(HALF_COPIED)
        return Moved(len(names), entries, keys, rows)


async def _opened_target(stack: AsyncExitStack, target: AgentConfig, say: Callable[[str], None]) -> Store:
    """Return the target, which is empty or carries the mark."""
    if target.store.is_shared:
        starting = StartingLock(target)
        await locked(stack, target, starting, alone=True)
        is_there = await has_store(target, await starting.take())
        store = await (open_store(target) if is_there else provision_store(target, profile=HALF_COPIED))
    else:
        await locked(stack, target, None, alone=True)
        file, key = target.wallet_file, target.wallet_key.get_secret_value()
        is_there = file.exists() and file.stat().st_size > 0
        make_data_folder(target.data)
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        uri = WalletManager(target, StoreGuard(lambda _: None)).uri
        try:
            if is_there:
                store = await Store.open(uri, "raw", key)
            else:
                store = await Store.provision(uri, "raw", key, profile=HALF_COPIED)
        except AskarError as err:
            raise ConfigurationError(
                f"{file} is there, and is not a store with this wallet key",
                hint="name another folder with --to; nothing was changed",
            ) from err
    stack.push_async_callback(store.close)
    if HALF_COPIED not in await store.list_profiles():
        raise ConfigurationError(
            f"there is a store at {place_of(target)} already; nothing was changed",
            hint="name an empty database or folder with --to",
        )
    if is_there:
        say("what a move left that did not come to its end is removed")
    return store


async def _empty(copy: Store, engine: Engine) -> None:
    """Remove all but the mark from a target that carries it."""
    await copy.set_default_profile(HALF_COPIED)
    for name in await copy.list_profiles():
        if name != HALF_COPIED:
            await copy.remove_profile(name)
    await engine.together(*(Statement(f"DELETE FROM {name}") for name in await _tables(engine) if name != "meta"))  # noqa: S608


async def _copy_tables(source: Engine, target: Engine) -> int:
    """Copy what cannot be read from the wallet again, and return how many rows that was."""
    copied = 0
    for name in await _tables(source):
        if name in _NOT_COPIED:
            continue
        first = await source.run(f"SELECT * FROM {name} LIMIT 1")  # noqa: S608 (our own names)
        if not first:
            continue
        width = len(first[0])
        order = ", ".join(str(column) for column in range(1, width + 1))
        marks = ", ".join("?" * width)
        count = 0
        while rows := await source.run(f"SELECT * FROM {name} ORDER BY {order} LIMIT {_PAGE} OFFSET {count}"):  # noqa: S608
            await target.together(*(Statement(f"INSERT INTO {name} VALUES ({marks})", tuple(row)) for row in rows))  # noqa: S608
            count += len(rows)
        (total,) = await target.run(f"SELECT count(*) FROM {name}")  # noqa: S608
        if total[0] != count:
            raise CopyDiffersError(f"the copy of the table {name} has {total[0]} rows, expected {count}")
        copied += count
    return copied


async def _tables(engine: Engine) -> list[str]:
    """Return the names of the plain tables."""
    catalogue = (
        "SELECT tablename FROM pg_tables WHERE schemaname = 'wanderbuch' ORDER BY 1"
        if engine.is_shared
        else "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY 1"
    )
    rows: list[tuple[Any, ...]] = await engine.run(catalogue)
    return [str(row[0]) for row in rows]
