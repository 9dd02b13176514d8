"""That the processes of one agent publish into one folder.

Nobody notices at once where each has its own: whoever asks gets an older status list or governance file half of the
time. So the folder carries a mark, hidden and never served, and the store says which mark is the agent's.
"""

import asyncio
import logging
import secrets
from pathlib import Path
from typing import Final

from wanderbuch.errors import ConfigurationError
from wanderbuch.plugins.webvh.publisher import replace_file
from wanderbuch.store.engine import Engine

_LOG = logging.getLogger(__name__)
_FILE: Final = ".folder"
_META: Final = "public-folder"


class SharedFolder:
    """The public folder of a process whose store is shared.

    Args:
        folder: where it publishes.
        engine: of the store.
    """

    def __init__(self, folder: Path, engine: Engine) -> None:
        self._folder = folder
        self._engine = engine

    async def claim(self, others: int) -> None:
        """Make sure that it is the agent's, at the start of a process.

        Args:
            others: how many other processes there are; where there are none, it becomes the agent's.

        Raises:
            ConfigurationError: the other processes have another one, or it cannot be written to.
        """
        if not self._engine.is_shared:
            return
        try:
            mark = await asyncio.to_thread(self._mark)
        except OSError as err:
            raise ConfigurationError(f"the public folder {self._folder} cannot be written to: {err.strerror}") from err
        said = await self._said()
        if others and said not in (None, mark):
            raise ConfigurationError(
                f"the public folder {self._folder} is not the one that the other processes of this agent publish into",
                hint="set [public] folder to one folder that all of them share; if it is a copy, stop them all first",
            )
        if said not in (None, mark):
            _LOG.warning("the public folder is another one than before: what it lacks is not served")
        await self._engine.run(
            "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            *(_META, mark),
        )

    async def look(self) -> bool:
        """Tell, and log, whether it is still the agent's; for a sweep."""
        if not self._engine.is_shared:
            return True
        mark, said = await asyncio.to_thread(self._read), await self._said()
        if mark == said:
            return True
        _LOG.error(
            "the public folder %s is not the one that another process of this agent publishes into:"
            " set [public] folder to one folder that all of them share, then start them again",
            self._folder,
        )
        return False

    async def _said(self) -> str | None:
        found = await self._engine.run("SELECT value FROM meta WHERE name = ?", _META)
        return str(found[0][0]) if found else None

    def _read(self) -> str | None:
        try:
            return (self._folder / _FILE).read_text("ascii").strip()
        except OSError:
            return None

    def _mark(self) -> str:
        """Return the folder's mark; made if there is none. Processes start one after another."""
        mark = self._read()
        if not mark:
            mark = secrets.token_hex(16)
            replace_file(self._folder / _FILE, f"{mark}\n".encode(), is_public=True)
        return mark
