"""Whether a store can be read whole, and whether its plain tables say what its records do."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from aries_askar import AskarError

from wanderbuch.agents.cli.store.places import opened_store, profile_names
from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.agents.runtime.store import WalletProfile
from wanderbuch.agents.runtime.store_tables import open_engine
from wanderbuch.store.entries import fetch_keys
from wanderbuch.store.hashing import hash_of
from wanderbuch.store.markers import MARKERS
from wanderbuch.store.rebuild import KEYS
from wanderbuch.store.tables import DEFAULT_TENANT, Tables, tables_on

_AT_ONCE: Final = 100


@dataclass(slots=True)
class ProfileCheck:
    """What was found in one tenant's profile."""

    tenant: str
    entries: int = 0
    keys: int = 0
    rows: int = 0
    """Records that the plain tables list."""
    missing: int = 0
    """Records and keys that they do not list: they would not be found."""
    superfluous: int = 0
    """What they list and is not there: a crash leaves such rows, readers pass over them, a sweep removes them."""
    unread: str | None = None
    """Why the profile cannot be read, or None."""
    by_category: dict[str, int] = field(default_factory=dict)

    @property
    def is_well(self) -> bool:
        """Tell whether nothing needs to be done."""
        return self.unread is None and not self.missing


async def check(config: AgentConfig, *, mend: bool) -> list[ProfileCheck]:
    """Look at every profile, entry and key of a store.

    Args:
        config: the agent's.
        mend: have the plain tables read anew when the agent starts, whatever is found.

    Raises:
        ConfigurationError: there is no such store, or it is used (on SQLite; on PostgreSQL only if `mend`).
    """
    async with opened_store(config, alone=mend) as profile:
        engine = await open_engine(config)
        try:
            tables = tables_on(engine, await hash_of(profile))
            names = await profile_names(profile.opened)
            profile_checks = [await _look(profile, tables, name, opened_by) for name, opened_by in names.items()]
            if mend:
                await tables.rebuild.forget()
        finally:
            await engine.close()
    return profile_checks


async def _look(profile: WalletProfile, tables: Tables, name: str, opened_by: str | None) -> ProfileCheck:
    profile_check = ProfileCheck(opened_by or DEFAULT_TENANT)
    built = {
        str(row[0]) for row in await tables.engine.run("SELECT kind FROM built WHERE tenant = ?", profile_check.tenant)
    }
    names: dict[str, set[str]] = {kind: set() for kind in built}
    try:
        async for entry in profile.store.scan(profile=name):
            profile_check.entries += 1
            profile_check.by_category[entry.category] = profile_check.by_category.get(entry.category, 0) + 1
            if entry.category in names:
                names[entry.category].add(entry.name)
        async with profile.store.session(name) as session:
            keys = [key.name for key in await fetch_keys(session)]
    except AskarError as err:
        profile_check.unread = str(err).splitlines()[-1]
        return profile_check
    profile_check.keys = len(keys)
    # Of some kinds of rows, such as a register's, the record is of another kind.
    entries: set[str] = set().union(*names.values())
    listed_of: dict[str, set[str]] = {}
    for kind in built - {KEYS}:
        listed_of[kind] = {str(row[0]) for row in await tables.engine.run(
            "SELECT DISTINCT id FROM row WHERE tenant = ? AND kind = ?", profile_check.tenant, kind
        )}  # fmt: skip
    for kind, listed in listed_of.items():
        profile_check.rows += len(listed)
        base = kind.removesuffix(MARKERS)  # a marker's row is its record's
        known = names[kind] | listed if base == kind else listed_of.get(base, set())
        missing = [name for name in names[kind] - listed if _base(name) not in known]
        profile_check.missing += await _count_there(profile, name, kind, missing)
        profile_check.superfluous += len(listed - names[kind] - entries)
    if KEYS in built:
        for some in _batches(keys):
            whose = await tables.keys.find(some)
            profile_check.missing += sum(1 for key in some if whose.get(key) != profile_check.tenant)
    return profile_check


async def _count_there(profile: WalletProfile, name: str, kind: str, missing: list[str]) -> int:
    """Return how many of these entries are there: where the store is used, one may have been removed meanwhile."""
    if not missing:
        return 0
    async with profile.store.session(name) as session:
        return len([name for name in missing if await session.fetch(kind, name) is not None])


def _base(name: str) -> str:
    """Return the record to which a marker belongs, which has no row of its own: `<id>.<name>`."""
    return name.rpartition(".")[0]


def _batches(keys: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(keys), _AT_ONCE):
        yield keys[start : start + _AT_ONCE]
