"""`POST /v1/backup`: a copy of the plain tables for `wanderbuch backup`, which cannot open them while we run."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from wanderbuch.agents.runtime.app import ApiModel, Call, Route, post
from wanderbuch.agents.runtime.problems import RefusedError
from wanderbuch.store.engine import Engine
from wanderbuch.store.sqlite import SqliteEngine

COPIES: Final = ".copies"
"""Folder for copies, in the data folder."""
TABLES_COPY: Final = "index.db"


class CopyOut(ApiModel):
    """The copy that was made."""

    file: str


class TableCopier:
    """Copies the plain tables of this process.

    Args:
        engine: of the tables.
        data: the agent's data folder.
    """

    def __init__(self, engine: Engine, data: Path) -> None:
        self._engine = engine
        self._folder = data / COPIES
        self._turn = asyncio.Lock()

    async def copy(self) -> str:
        """Copy them to the one place that there is for it, below the data folder; return its name.

        Raises:
            RefusedError: they lie in a PostgreSQL, or nobody makes a backup.
        """
        if not isinstance(self._engine, SqliteEngine):
            raise RefusedError("the tables lie in a PostgreSQL", hint="`wanderbuch backup` reads them there")
        if not self._folder.is_dir():
            raise RefusedError("no backup is being made", hint="run `wanderbuch backup`, which asks for this")
        async with self._turn:
            target = self._folder / TABLES_COPY
            target.unlink(missing_ok=True)
            await self._engine.copy_to(target)
        return TABLES_COPY


async def _copy(copier: TableCopier, _: Call[None]) -> CopyOut:
    return CopyOut(file=await copier.copy())


COPY_ROUTES: Final[Sequence[Route]] = (
    post("", _copy, result=CopyOut, summary="Copy the plain tables, for `wanderbuch backup` on the same machine"),
)
