"""The plain tables can be made anew from what Askar keeps.

Each kind of record says how its row is read from an entry (`Reader`). What is complete is noted in `built`, by tenant,
kind and version of the reader; what is not noted is read, in pages, before somebody relies on it. So the same step
serves an index that is lost, one that does not belong to the wallet, records older than the index, and an operator's
wish. Records may be written meanwhile: a rebuild only adds, and what it takes away is older than any writer.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from acapy_agent.core.profile import Profile
from aries_askar import Entry

from wanderbuch.store.engine import Engine, Statement
from wanderbuch.store.entries import fetch_keys
from wanderbuch.store.keys import OwnKeyIndex
from wanderbuch.store.rows import DOUBTED_S, How, Indexed, Rows

KEYS: Final = "own-keys"
"""Stands for the index of own keys in `built`."""

_PAGE: Final = 200


@dataclass(frozen=True, slots=True)
class Reader:
    """How the rows of a kind are read from Askar."""

    kind: str
    """Category of the entries."""
    version: str
    """Changes when what is indexed changes: then all is read again."""
    read: Callable[[Entry], Indexed | None]
    """Returns what the tables hold of an entry; None: nothing."""
    rows_of: str | None = None
    """The kind whose rows these are; None: its own (a marker brings a row of the record it belongs to)."""
    settle: Callable[[str], Awaitable[None]] | None = None
    """Leaves of a record's rows the one that it needs; for kinds whose entries bring more than one."""


class Rebuild:
    """Makes the plain tables complete."""

    def __init__(self, engine: Engine, rows: Rows, keys: OwnKeyIndex) -> None:
        self._engine = engine
        self._rows = rows
        self._keys = keys
        self._built: set[tuple[str, str, str]] = set()
        self._turns: dict[tuple[str, str], asyncio.Lock] = {}

    async def load(self) -> None:
        """Learn in one query what is complete; before that, and for what others completed since, it is looked up."""
        rows = await self._engine.run("SELECT tenant, kind, version FROM built")
        self._built = {(tenant, kind, version) for tenant, kind, version in rows}

    async def ensure(self, profile: Profile, tenant: str, *readers: Reader) -> None:
        """Read the kinds that are not complete; costs nothing for those that are."""
        for reader in readers:
            if (tenant, reader.kind, reader.version) not in self._built:
                await self._once(profile, tenant, reader)

    async def ensure_keys(self, profile: Profile, tenant: str) -> None:
        """Note the keys of a profile in the index of own keys, if that is not done."""
        if (tenant, KEYS, "1") in self._built or await self._is_built(tenant, KEYS, "1"):
            return
        async with profile.session() as session:
            keys = await fetch_keys(session.handle)
        for key in keys:
            await self._keys.add(key.name, tenant)
        await self._note(tenant, KEYS, "1")

    async def begin_empty(self, tenant: str, *readers: Reader) -> None:
        """Note that a tenant which was just made has nothing to be read."""
        for kind, version in (*((reader.kind, reader.version) for reader in readers), (KEYS, "1")):
            await self._note(tenant, kind, version)

    async def forget(self, tenant: str | None = None) -> None:
        """Take nothing for complete any more, of a tenant or of all: it is read again when it is needed."""
        self._built = set() if tenant is None else {built for built in self._built if built[0] != tenant}
        if tenant is None:
            await self._engine.run("DELETE FROM built")
        else:
            await self._engine.run("DELETE FROM built WHERE tenant = ?", tenant)

    async def _once(self, profile: Profile, tenant: str, reader: Reader) -> None:
        async with self._turns.setdefault((tenant, reader.kind), asyncio.Lock()):
            if (tenant, reader.kind, reader.version) in self._built:
                return
            if not await self._is_built(tenant, reader.kind, reader.version):
                await self._read_all(profile, tenant, reader)
                await self._note(tenant, reader.kind, reader.version)
        self._turns.pop((tenant, reader.kind), None)

    async def _read_all(self, profile: Profile, tenant: str, reader: Reader) -> None:
        started = await self._engine.clock()
        async for page in pages_of(profile, reader.kind):
            statements: list[Statement] = []
            for indexed in filter(None, map(reader.read, page)):
                statements += self._rows.adding(tenant, reader.rows_of or reader.kind, indexed, How.READ)
            await self._engine.together(*statements)
        if reader.settle is not None:
            await self._settle(tenant, reader.rows_of or reader.kind, reader.settle)
        if reader.rows_of is not None:  # the rows of the kind are complete with these, not only these
            return
        await self._engine.run(
            "DELETE FROM row WHERE tenant = ? AND kind = ? AND at < ? AND held < store_now()",
            *(tenant, reader.kind, started - DOUBTED_S),
        )

    async def _settle(self, tenant: str, kind: str, settle: Callable[[str], Awaitable[None]]) -> None:
        """Have the records with more than one row settled, each once: one that is being written settles itself."""
        after = ""
        while rows := await self._engine.run(
            "SELECT id FROM row WHERE tenant = ? AND kind = ? AND id > ? GROUP BY id HAVING count(*) > 1"
            " ORDER BY id LIMIT ?",
            *(tenant, kind, after, _PAGE),
        ):
            for (record_id,) in rows:
                await settle(record_id)
            after = rows[-1][0]

    async def is_noted(self, tenant: str, kind: str, version: str) -> bool:
        """Return whether it was noted that something was done for a tenant."""
        return (tenant, kind, version) in self._built or await self._is_built(tenant, kind, version)

    async def note(self, tenant: str, kind: str, version: str) -> None:
        """Note that something was done for a tenant; where the tables are lost, it is done again."""
        await self._note(tenant, kind, version)

    async def _is_built(self, tenant: str, kind: str, version: str) -> bool:
        rows = await self._engine.run(
            "SELECT 1 FROM built WHERE tenant = ? AND kind = ? AND version = ?", tenant, kind, version
        )
        if rows:
            self._built.add((tenant, kind, version))
        return bool(rows)

    async def _note(self, tenant: str, kind: str, version: str) -> None:
        await self._engine.run(
            "INSERT INTO built (tenant, kind, version) VALUES (?, ?, ?)"
            " ON CONFLICT (tenant, kind) DO UPDATE SET version = excluded.version",
            *(tenant, kind, version),
        )
        self._built.add((tenant, kind, version))


async def pages_of(profile: Profile, category: str) -> AsyncIterator[list[Entry]]:
    """Yield the entries of a category in the order in which they were made.

    One scan for all: with an offset a page, an entry that is removed meanwhile would hide another.
    """
    page: list[Entry] = []
    async for entry in profile.store.scan(category, profile=profile.profile_id, order_by="id"):
        page.append(entry)
        if len(page) == _PAGE:
            yield page
            page = []
    if page:
        yield page
