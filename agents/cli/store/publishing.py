"""`wanderbuch store publish`: a public folder brought into the object store of the configuration, with its numbers.

The store's own tools copy files, and not the numbers that keep an older file from taking the place of a newer one. May
be run again, also beside an agent: what is newer there stays.
"""

import asyncio
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from wanderbuch.agents.runtime.config import HOSTS_FOLDER, AgentConfig
from wanderbuch.agents.runtime.public_place import public_files
from wanderbuch.errors import ConfigurationError
from wanderbuch.plugins.webvh.publisher import NUMBERS, NewerFileError, content_type_of, public_segments


@dataclass(slots=True)
class Brought:
    """What became of the files.

    Args:
        put: they are in the object store now.
        kept: the object store had them, or newer ones.
        left_out: they are not ours.
    """

    put: int = 0
    kept: int = 0
    left_out: int = 0


async def publish_folder(config: AgentConfig, folder: Path) -> Brought:
    """Bring every public file of a folder into the object store.

    Raises:
        ConfigurationError: there is no object store in the configuration, no such folder, or the object store has
            another file where files never change, or one without a number.
    """
    if config.public.objects is None:
        raise ConfigurationError(
            "the configuration has no object store", hint="put [public.objects] into it: docs/running-agents.md"
        )
    files, brought = public_files(config), Brought()
    await files.check()
    for path in await asyncio.to_thread(lambda: list(_files(folder))):
        parts = path.relative_to(folder).parts
        host, below = (parts[1], 2) if parts[0] == HOSTS_FOLDER and len(parts) > 2 else (None, 0)
        name = "/".join(parts[below:])
        if not _is_ours(path, name):
            brought.left_out += 1
            continue
        root = folder.joinpath(*parts[:below])
        body, number = await asyncio.to_thread(_read, root, name)
        publisher = files.publisher(host)
        there = await publisher.get(name)
        if number is None and there is not None and there != body:
            raise ConfigurationError(
                f"another {name} lies in the object store than in {folder}, and such a file never changes",
                hint="look whether the prefix is this agent's",
            )
        try:
            if number is not None or there is None:
                await publisher.put(name, body, content_type_of(name), number=number)
        except NewerFileError:
            brought.kept += 1
        else:
            brought.put += there != body
            brought.kept += there == body
    return brought


def _files(folder: Path) -> Iterator[Path]:
    """Yield what is not hidden."""
    if not folder.is_dir():
        raise ConfigurationError(f"there is no folder {folder}", hint="name the public folder of the agent")
    for root, folders, names in os.walk(folder, onerror=_raise):
        here = Path(root)
        folders[:] = sorted(name for name in folders if not name.startswith(".") and not (here / name).is_symlink())
        yield from (here / name for name in sorted(names) if not name.startswith("."))


def _is_ours(path: Path, name: str) -> bool:
    """Tell whether an agent may have published this: a plain file, and no link to another."""
    try:
        public_segments(name)
    except ConfigurationError:
        return False
    return path.is_file() and not path.is_symlink()


def _raise(err: OSError) -> None:
    raise ConfigurationError(f"{err.filename} cannot be read: {err.strerror}", hint="check who may read it") from err


def _read(root: Path, name: str) -> tuple[bytes, int | None]:
    beside = root / NUMBERS / hashlib.sha256(name.encode()).hexdigest()[:32]
    try:
        body = (root / name).read_bytes()
        number = beside.read_bytes()[:64].strip() if beside.exists() else b""
    except OSError as err:
        raise ConfigurationError(f"{root / name} cannot be read: {err.strerror}", hint="check the disk") from err
    return body, int(number) if number.isdigit() else None
