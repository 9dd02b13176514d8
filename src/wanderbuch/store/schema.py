"""The plain tables: names, states and times of records, nothing personal.

| table | what it is |
|---|---|
| `meta` | which version of the tables this is, and whose store they belong to |
| `row` | one line a record and state: order, due time, who works on it; `rows.py`, `due.py` |
| `built` | for which kinds of which tenants `row` and `word` are complete; `rebuild.py` |
| `word` | keyed hashes of what can be searched for; `words.py` |
| `own_key` | which tenant has a key; `keys.py` |
| `lease` | who may do something alone; `leases.py` |
| `envelope` | which process has which kept envelope, and how much room they take; `agents/runtime/gate/kept.py` |
| `number` | numbers that only grow; `numbers.py` |
| `event`, `counter` | the event log of each tenant; `events.py` |
| `untold` | whose events may be incomplete; `untold.py` |
| `work` | long work, where it stands and who has it; `work.py` |
| `mediated`, `mediated_key`, `mediated_message` | a mediator's wallets, their keys, what waits; `agents/mediator` |
| `mediated_push` | where a wallet is told that something waits; `agents/mediator/pushing.py` |
| `vault`, `vault_revision` | the vaults of workers, ciphertext; `agents/wallet_host` |

Times are seconds since 1970 by the database's clock; `until = 0` and `held = 0` mean nobody.
"""

from typing import Final

from wanderbuch.store.errors import StoreVersionError

VERSION: Final = 5
"""Grows with every change of these tables."""

LIST: Final = "tenant || ' ' || kind"
"""What listings go by. Never `tenant = ? AND kind = ?`: a row is found by its name in the primary key alone, listings
walk along these indexes alone, and no planner that has not looked at the tables yet can take the one for the other."""

LIST_OF_STATE: Final = f"{LIST} || ' ' || state"
"""The same, for one state."""

TABLES: Final = (
    "CREATE TABLE meta (name {text} PRIMARY KEY, value {text} NOT NULL){by_key}",
    # fence: grows with each write of the record's rows; held: a writer is in the middle until then; writers: how many.
    "CREATE TABLE row (number BIGINT NOT NULL, tenant {text} NOT NULL, kind {text} NOT NULL, id {text} NOT NULL,"
    " state {text} NOT NULL, due DOUBLE PRECISION, owner {text}, until DOUBLE PRECISION NOT NULL DEFAULT 0,"
    " held DOUBLE PRECISION NOT NULL DEFAULT 0, writers INTEGER NOT NULL DEFAULT 0, fence BIGINT NOT NULL DEFAULT 0,"
    " at DOUBLE PRECISION NOT NULL, PRIMARY KEY (tenant, kind, id, state))",
    f"CREATE INDEX row_listed ON row (({LIST}), number)",
    f"CREATE INDEX row_by_state ON row (({LIST_OF_STATE}), number)",
    "CREATE INDEX row_due ON row (kind, due) WHERE due IS NOT NULL",
    f"CREATE INDEX row_due_of_list ON row (({LIST}), due) WHERE due IS NOT NULL",
    f"CREATE INDEX row_held ON row (({LIST}), held) WHERE held > 0",
    "CREATE TABLE built (tenant {text} NOT NULL, kind {text} NOT NULL, version {text} NOT NULL,"
    " PRIMARY KEY (tenant, kind)){by_key}",
    "CREATE TABLE word (hash {bytes} NOT NULL, tenant {text} NOT NULL, kind {text} NOT NULL, id {text} NOT NULL,"
    " PRIMARY KEY (hash, id)){by_key}",  # the hash covers tenant, kind and field
    "CREATE INDEX word_by_id ON word (tenant, kind, id)",
    "CREATE TABLE own_key (hash {bytes} PRIMARY KEY, tenant {text} NOT NULL){by_key}",
    "CREATE INDEX own_key_by_tenant ON own_key (tenant)",
    "CREATE TABLE lease (name {text} PRIMARY KEY, owner {text} NOT NULL, fence BIGINT NOT NULL,"
    " until DOUBLE PRECISION NOT NULL){by_key}",
    "CREATE TABLE envelope (id {text} PRIMARY KEY, tenant {text} NOT NULL, size BIGINT NOT NULL, owner {text},"
    " until DOUBLE PRECISION NOT NULL, at DOUBLE PRECISION NOT NULL){by_key}",
    "CREATE INDEX envelope_of_tenant ON envelope (tenant, at, size)",
    "CREATE TABLE number (name {text} PRIMARY KEY, number BIGINT NOT NULL){by_key}",
    "CREATE TABLE counter (tenant {text} PRIMARY KEY, number BIGINT NOT NULL,"
    " pruned BIGINT NOT NULL DEFAULT 0){by_key}",
    "CREATE TABLE event (tenant {text} NOT NULL, number BIGINT NOT NULL, at DOUBLE PRECISION NOT NULL,"
    " kind {text} NOT NULL, subject {text} NOT NULL, body {text} NOT NULL, fact {text} NOT NULL,"
    " PRIMARY KEY (tenant, number)){by_key}",
    "CREATE UNIQUE INDEX event_told_once ON event (tenant, fact)",
    "CREATE INDEX event_at ON event (at)",
    "CREATE TABLE untold (id {text} PRIMARY KEY, tenant {text} NOT NULL, about {text} NOT NULL,"
    " subject {text} NOT NULL, told {text} NOT NULL, at DOUBLE PRECISION NOT NULL,"
    " due DOUBLE PRECISION NOT NULL){by_key}",
    "CREATE INDEX untold_due ON untold (due)",
    "CREATE TABLE work (tenant {text} NOT NULL, kind {text} NOT NULL, id {text} NOT NULL, state {text} NOT NULL,"
    " position {text} NOT NULL, done BIGINT NOT NULL, total BIGINT, due DOUBLE PRECISION,"
    " woken BIGINT NOT NULL DEFAULT 0, owner {text}, until DOUBLE PRECISION NOT NULL DEFAULT 0,"
    " failures BIGINT NOT NULL DEFAULT 0, failing_since DOUBLE PRECISION, error {text},"
    " at DOUBLE PRECISION NOT NULL, ended DOUBLE PRECISION, PRIMARY KEY (tenant, kind, id)){by_key}",
    "CREATE INDEX work_due ON work (kind, due) WHERE state = 'RUNNING'",
)
"""One statement each, in the order in which they are run; the words in braces differ between the engines."""

MEDIATED: Final = (
    # hours since 1970: no finer time stands here. sealed: opened with a key in Askar alone.
    "CREATE TABLE mediated (tenant {text} NOT NULL, id {text} NOT NULL, granted INTEGER NOT NULL DEFAULT 0,"
    " refused BIGINT NOT NULL DEFAULT 0, seen BIGINT NOT NULL, sealed {bytes} NOT NULL,"
    " PRIMARY KEY (tenant, id)){by_key}",
    "CREATE INDEX mediated_seen ON mediated (tenant, seen)",
    "CREATE TABLE mediated_key (hash {bytes} PRIMARY KEY, tenant {text} NOT NULL, wallet {text} NOT NULL,"
    " sealed {bytes} NOT NULL){by_key}",
    "CREATE INDEX mediated_key_of_wallet ON mediated_key (tenant, wallet)",
    "CREATE TABLE mediated_message (tenant {text} NOT NULL, wallet {text} NOT NULL, id {text} NOT NULL,"
    " number BIGINT NOT NULL, hour BIGINT NOT NULL, size BIGINT NOT NULL, sealed {bytes} NOT NULL,"
    " PRIMARY KEY (tenant, wallet, id))",
    "CREATE INDEX mediated_message_in_turn ON mediated_message (tenant, wallet, number, size)",
    "CREATE INDEX mediated_message_by_age ON mediated_message (tenant, hour)",
)
"""The tables of a mediator, which versions 1 and 2 did not have."""

PUSHED: Final = (
    # told: the hour in which its wallet was told last; 0: it has come since.
    "CREATE TABLE mediated_push (tenant {text} NOT NULL, wallet {text} NOT NULL, told BIGINT NOT NULL,"
    " sealed {bytes} NOT NULL, PRIMARY KEY (tenant, wallet)){by_key}",
)
"""The table that version 3 did not have."""

VAULTS: Final = (
    # number: of the newest revision, whose digest stands here; base: of the oldest that is kept; bytes: of all of them.
    # Of a deleted one bytes is 0, and the signature of who deleted it stands in place of the digest.
    # day: days since 1970 when it was read or written last: no finer time stands here.
    "CREATE TABLE vault (tenant {text} NOT NULL, id {text} NOT NULL, number BIGINT NOT NULL, base BIGINT NOT NULL,"
    " bytes BIGINT NOT NULL, digest {text} NOT NULL, day BIGINT NOT NULL, PRIMARY KEY (tenant, id)){by_key}",
    "CREATE INDEX vault_day ON vault (tenant, day)",
    "CREATE TABLE vault_revision (tenant {text} NOT NULL, id {text} NOT NULL, number BIGINT NOT NULL,"
    " sealed {bytes} NOT NULL, PRIMARY KEY (tenant, id, number))",
)
"""The tables that version 4 did not have."""

UPGRADES: Final = {
    **dict.fromkeys(("1", "2"), (*MEDIATED, *PUSHED, *VAULTS)),
    "3": (*PUSHED, *VAULTS),
    "4": VAULTS,
}
"""What makes the tables of this version out of those of an older one: versions 1 and 2 have the same tables."""

OF_A_TENANT: Final = (
    *("row", "envelope", "built", "word", "own_key", "counter", "event", "untold", "work"),
    *("mediated", "mediated_key", "mediated_message", "mediated_push", "vault", "vault_revision"),
)
"""Tables with a column `tenant`: what a removed tenant leaves nothing in (leases and numbers go by their names)."""

ALL: Final = (*OF_A_TENANT, "lease", "number")
"""All tables but `meta`."""


def list_of(*names: str) -> str:
    """Return the value of `LIST` for a tenant and a kind, or of `LIST_OF_STATE` for these and a state."""
    return " ".join(names)


def tables(*, text: str, bytes_: str, by_key: str) -> list[str]:
    """Return the statements that make the tables.

    Args:
        text: type of text that is compared byte by byte.
        bytes_: type of bytes.
        by_key: what keeps a table in the order of its primary key, where the engine has that.
    """
    return [sql.format(text=text, bytes=bytes_, by_key=by_key) for sql in (*TABLES, *MEDIATED, *PUSHED, *VAULTS)]


def upgrading(version: str, *, text: str, bytes_: str, by_key: str) -> list[str]:
    """Return the statements that bring tables of another version to this one; arguments as with `tables`.

    Raises:
        StoreVersionError: this program cannot use them.
    """
    if version == str(VERSION):
        return []
    if version not in UPGRADES:
        raise wrong_version(version)
    return [
        *(sql.format(text=text, bytes=bytes_, by_key=by_key) for sql in UPGRADES[version]),
        f"UPDATE meta SET value = '{VERSION}' WHERE name = 'version'",  # noqa: S608
    ]


def wrong_version(version: str) -> StoreVersionError:
    """Return the error of tables that this version cannot use."""
    return StoreVersionError(
        f"the plain tables of the store have the version {version[:20]}, this program needs version {VERSION}",
        hint="run the version of Wanderbuch that made them; nothing was changed",
    )
