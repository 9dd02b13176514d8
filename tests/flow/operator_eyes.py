"""All that the operator of a mediator can read: its files, its log, its store and tables, opened with all its keys."""

import base64
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from aries_askar import Store

from wanderbuch.agents.machine import AgentHandle
from wanderbuch.agents.mediator.keys import MediatorRecord
from wanderbuch.agents.mediator.sealing import Sealing

_SQLITE = b"SQLite format 3\0"


async def seen_by_operator(mediator: AgentHandle) -> tuple[list[bytes], list[bytes]]:
    """Return all that can be read, and of it the messages that wait, opened; the mediator must not run."""
    # Read as they lie there: whoever opens a database and closes it writes its log into it and removes the log.
    paths = (*mediator.data.rglob("*"), *mediator.folder.glob("*.log"))
    files = [path.read_bytes() for path in paths if path.is_file()]
    wallet = mediator.data / "wallet" / "wallet.db"
    store = await Store.open(f"sqlite://{wallet}", "raw", (mediator.folder / "wallet.key").read_text())
    entries, seal = [], ""
    try:
        async for entry in store.scan(None, None):
            entries.append(f"{entry.category}|{entry.name}|{entry.tags}|".encode() + bytes(entry.value))
            if entry.category == MediatorRecord.category:
                seal = json.loads(bytes(entry.value))["seal"]
    finally:
        await store.close()
    sealing = Sealing(base64.b64decode(seal))
    opened, messages = [], []
    with closing(sqlite3.connect(_tables(mediator))) as database:
        for ident, sealed in database.execute("SELECT id, sealed FROM mediated_message"):
            messages.append(sealing.open(sealed, place=ident))
        for wallet_id, sealed in database.execute("SELECT wallet, sealed FROM mediated_key"):
            opened.append(sealing.open_text(sealed, place=wallet_id).encode())
        opened += list(_lines(database))
    return [*entries, *opened, *messages, *files], messages


def a_day_passes(mediator: AgentHandle) -> int:
    """Make all that waits, and each wallet's last visit, a day older; return how many messages wait.

    The mediator must not run. It keeps no finer time than hours, and these are all of them.
    """
    with closing(sqlite3.connect(_tables(mediator))) as database, database:
        waiting = database.execute("UPDATE mediated_message SET hour = hour - 24").rowcount
        assert database.execute("UPDATE mediated SET seen = seen - 24").rowcount
    return waiting


def _tables(mediator: AgentHandle) -> Path:
    return next(path for path in mediator.data.rglob("*") if path.is_file() and _has_tables(path))


def _has_tables(path: Path) -> bool:
    if path.open("rb").read(len(_SQLITE)) != _SQLITE:
        return False
    with closing(sqlite3.connect(path)) as database:
        return bool(database.execute("SELECT 1 FROM sqlite_master WHERE name = 'mediated_message'").fetchall())


def _lines(database: sqlite3.Connection) -> Iterator[bytes]:
    return (line.encode() for line in database.iterdump())
