"""The plain tables that a process has open: `tables_of(profile)`.

The runtime opens them once and binds them where profiles look for them. In somebody else's ACA-Py nobody did: there
they live in memory, one set a store, and are read from Askar when they are first needed (one process a store, then).
"""

import logging
import os
import secrets
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from weakref import WeakKeyDictionary

from acapy_agent.core.profile import Profile
from aries_askar import AskarError, AskarErrorCode

from wanderbuch.store.due import DueWork
from wanderbuch.store.engine import Engine, Statement
from wanderbuch.store.events import EventLog, TenantEvents
from wanderbuch.store.hashing import KeyedHash, hash_of, random_hash
from wanderbuch.store.keys import OwnKeyIndex
from wanderbuch.store.leases import Lease, Leases
from wanderbuch.store.numbers import Numbers, named
from wanderbuch.store.rebuild import Rebuild
from wanderbuch.store.rows import Rows
from wanderbuch.store.schema import ALL, OF_A_TENANT
from wanderbuch.store.sqlite import open_sqlite
from wanderbuch.store.untold import Untold
from wanderbuch.store.words import Words
from wanderbuch.store.work import Works

_LOG = logging.getLogger(__name__)

DEFAULT_TENANT: Final = "default"
"""The tenant that is Askar's own default profile."""

_CATEGORY: Final = "wanderbuch.store"
_STAMP: Final = "index-stamp"
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Tables:
    """What one process has open."""

    engine: Engine
    hashes: KeyedHash
    rows: Rows
    due: DueWork
    leases: Leases
    keys: OwnKeyIndex
    words: Words
    numbers: Numbers
    rebuild: Rebuild
    events: EventLog
    untold: Untold
    works: Works

    async def tidy(self) -> None:
        """Remove what nobody needs any more; for a sweep, every hour or so."""
        await self.leases.tidy()
        await self.events.prune()
        await self.works.prune()

    async def forget_tenant(self, tenant: str) -> None:
        """Remove all that the plain tables hold of a tenant, in one transaction."""
        start = f"{tenant}/"
        await self.engine.together(
            *(Statement(f"DELETE FROM {table} WHERE tenant = ?", (tenant,)) for table in OF_A_TENANT),  # noqa: S608
            *(
                Statement(f"DELETE FROM {table} WHERE substr(name, 1, ?) = ?", (len(start), start))  # noqa: S608
                for table in ("lease", "number")
            ),
        )
        await self.rebuild.forget(tenant)

    async def close(self) -> None:
        """Say that this was a clean end, and close the engine."""
        if not self.engine.is_shared:
            await self.engine.run("DELETE FROM meta WHERE name = 'opened-in-boot'")
        await self.engine.close()


def tables_on(engine: Engine, hashes: KeyedHash) -> Tables:
    """Return the tables on an engine that is open."""
    words, keys = Words(engine, hashes), OwnKeyIndex(engine, hashes)
    rows = Rows(engine, hashes, words)
    rebuild = Rebuild(engine, rows, keys)
    events = EventLog(engine)
    return Tables(
        engine,
        hashes,
        rows,
        DueWork(engine),
        Leases(engine),
        keys,
        words,
        Numbers(engine),
        rebuild,
        events,
        Untold(engine, events),
        Works(engine),
    )


async def open_tables(engine: Engine, profile: Profile) -> Tables:
    """Open the plain tables of a store, and see to it that they belong to it.

    Where they do not (the file is new, the wallet or the file was restored from a backup, or the machine went down and
    the wallet may have lost its last writes) nothing in them is taken for complete: it is read again from Askar. What
    is another wallet's, its events and work too, is removed.

    Args:
        engine: is open; it is closed by `Tables.close`.
        profile: the store's default profile.
    """
    hashes = await hash_of(profile)
    made = tables_on(engine, hashes)
    if not engine.is_shared:
        await _remove_what_is_anothers(engine, hashes.of("wallet").hex())
        if not await _fits(engine, profile):
            await made.rebuild.forget()
    await made.rebuild.load()
    return made


def bind_tables(profile: Profile, tables: Tables) -> None:
    """Let a profile, and every other of its store, find the tables."""
    _BY_STORE[profile.store] = tables


def tables_of(profile: Profile) -> Tables:
    """Return the plain tables of a profile's store."""
    tables = _BY_STORE.get(profile.store)
    if tables is None:
        tables = tables_on(open_sqlite(None), random_hash())
        _BY_STORE[profile.store] = tables
    return tables


def tenant_of(profile: Profile) -> str:
    """Return the tenant that a profile is: the name of its Askar profile, or "default"."""
    return str(profile.profile_id or DEFAULT_TENANT)


def events_of(profile: Profile) -> TenantEvents:
    """Return the event log of the tenant that a profile is."""
    return TenantEvents(tenant_of(profile), tables_of(profile).events)


def hold_lease(profile: Profile, name: str, *, wait_s: float = 30.0) -> AbstractAsyncContextManager[Lease]:
    """Wait for the turn of a profile's tenant with something, as with `Leases.hold`; the lease goes with the tenant."""
    return tables_of(profile).leases.hold(named(tenant_of(profile), name), wait_s=wait_s)


_BY_STORE: WeakKeyDictionary[object, Tables] = WeakKeyDictionary()
"""By Askar's store, which all profiles of a store share."""


async def _remove_what_is_anothers(engine: Engine, mark: str) -> None:
    """Empty tables that were made with another wallet, and note whose they are from now on.

    Args:
        engine: is open.
        mark: follows from a key that only this wallet has.
    """
    rows = await engine.run("SELECT value FROM meta WHERE name = 'wallet'")
    if rows and rows[0][0] == mark:
        return
    if rows:
        _LOG.warning("the index was made with another wallet: what was in it is removed")
    await engine.together(
        *(Statement(f"DELETE FROM {table}") for table in (ALL if rows else ())),  # noqa: S608
        Statement(
            "INSERT INTO meta (name, value) VALUES ('wallet', ?)"
            " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (mark,),
        ),
    )


async def _fits(engine: Engine, profile: Profile) -> bool:
    """Tell whether an index file was closed, or left by a crash, together with this wallet; and stamp both anew.

    1. Both carry the same random stamp, renewed at each start: a file that was replaced has another.
    2. If the last process did not close the index, the machine has not gone down since: what a process has written
       survives its own end, but of a machine's end the wallet may have lost what the index has.
    """
    stamp = secrets.token_hex(16)
    before = await _swap_stamp(profile, stamp)
    boot = _boot_id()
    results = await engine.together(
        Statement("SELECT value FROM meta WHERE name = 'stamp'"),
        Statement("SELECT value FROM meta WHERE name = 'opened-in-boot'"),
        *(
            Statement(
                "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                pair,
            )
            for pair in (("stamp", stamp), ("opened-in-boot", boot))
        ),
    )
    known = {name: rows[0][0] for name, rows in zip(("stamp", "boot"), results, strict=False) if rows}
    if before is not None and "stamp" not in known:
        _LOG.warning("the index was missing: it is made anew from the wallet, and event numbers begin anew")
    elif before is not None and known["stamp"] != before:
        _LOG.warning("the index or the wallet was replaced: the index is read anew from the wallet")
    return before is not None and known.get("stamp") == before and known.get("boot", boot) == boot


async def _swap_stamp(profile: Profile, stamp: str) -> str | None:
    """Put a stamp into the wallet and return the one that was there."""
    async with profile.session() as session:
        entry = await session.handle.fetch(_CATEGORY, _STAMP)
        if entry is not None:
            await session.handle.replace(_CATEGORY, _STAMP, stamp)
            return bytes(entry.value).decode()
        try:
            await session.handle.insert(_CATEGORY, _STAMP, stamp)
        except AskarError as err:
            if err.code != AskarErrorCode.DUPLICATE:
                raise
    return None


def _boot_id() -> str:
    """Return what is the same until the machine goes down; where nobody says, something that is never the same."""
    try:
        return _BOOT_ID.read_text("ascii").strip()
    except OSError:
        return f"unknown-{os.getpid()}-{secrets.token_hex(8)}"
