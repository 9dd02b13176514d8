"""That the processes of one agent publish into one place: one folder, or one prefix of one bucket.

Nobody notices at once where each has its own: whoever asks gets an older status list or governance file half of the
time. So the place carries a mark, hidden and never served, and the store says which mark is the agent's.
"""

import logging
from typing import Final

from wanderbuch.agents.runtime.public_files import PublicFiles
from wanderbuch.errors import ConfigurationError
from wanderbuch.store.engine import Engine

_LOG = logging.getLogger(__name__)
_META: Final = "public-folder"


class SharedFolder:
    """The place of the public files of a process whose store is shared.

    Args:
        files: where it publishes.
        engine: of the store.
    """

    def __init__(self, files: PublicFiles, engine: Engine) -> None:
        self._files = files
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
        mark = await self._files.mark()
        text = await self._said()
        if others and text not in (None, mark):
            raise ConfigurationError(
                f"{self._files.place} is not the one that the other processes of this agent publish into",
                hint="set [public] folder or objects to one place that all of them share; if it is a copy, stop them"
                " all first",
            )
        if text not in (None, mark):
            _LOG.warning("the place of the public files is another one than before: what it lacks is not served")
        await self._engine.run(
            "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            *(_META, mark),
        )

    async def look(self) -> bool:
        """Tell, and log, whether it is still the agent's; for a sweep."""
        if not self._engine.is_shared:
            return True
        mark, text = await self._files.read_mark(), await self._said()
        if mark == text:
            return True
        _LOG.error(
            "%s is not the one that another process of this agent publishes into:"
            " set [public] folder or objects to one place that all of them share, then start them again",
            self._files.place,
        )
        return False

    async def _said(self) -> str | None:
        rows = await self._engine.run("SELECT value FROM meta WHERE name = ?", _META)
        return str(rows[0][0]) if rows else None
