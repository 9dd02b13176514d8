"""Public files in an S3-compatible store that several processes share; docs/adr/0043-public-files-as-objects.md.

The number of a file is metadata of the object itself, so the two change at once. Each numbered write has a condition:

1. The number and the entity tag of what is there are read; a greater number is left alone. So is an object that has
   none, unless it is the very file: somebody copied it there, and it may be newer than what this process has.
2. The object is written on the condition that it is still that one (`If-Match`), or still not there (`If-None-Match`).
3. Where the store says that it is not so any more, either this very file lies there (the answer to its first try was
   lost, and the client tried again), or it begins anew with 1.

A store that takes such a write without looking at the condition would let a process that slept put an old status list
over a newer one. So `check` tries it out before anything is published, and refuses a store that does.
"""

import asyncio
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    NotModifiedError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
)
from obstore.store import ObjectStore

from wanderbuch.errors import ConfigurationError
from wanderbuch.plugins.webvh.publisher import NewerFileError, public_segments

_NUMBER: Final = "wanderbuch-number"
_PROBE: Final = ".conditions"  # hidden, so that no site of ours serves it
_NO_TAG: Final = '"00000000000000000000000000000000"'
_OCTETS: Final = "application/octet-stream"
_LONGEST_WAIT_S: Final = 10.0
_LOOK_AGAIN_S: Final = 0.02


@dataclass(frozen=True, slots=True)
class _Held:
    """What is there.

    Args:
        number: with which it was put; None: it came here by other means than ours, so nobody knows how new it is.
        tag: its entity tag, with quotes.
    """

    number: int | None
    tag: str


class UnnumberedFileError(ConfigurationError):
    """A file is published that has no number: it stays until somebody says which one is newer."""

    code = "unnumbered-file"


class ObjectPublisher:
    """Public files as objects; `folder`, if given, stands before every path.

    Args:
        store: of the agent.
        folder: plain names with `/` between them, or nothing.
    """

    def __init__(self, store: ObjectStore, folder: str = "") -> None:
        self._store = store
        self._folder = f"{folder}/" if folder else ""

    async def put(self, path: str, body: bytes, content_type: str, *, number: int | None = None) -> None:
        """Publish `body` at `path`; see `Publisher.put`."""
        key = self._key(path)
        with told(f"write {path}"):
            if number is None:
                await _write(self._store, key, body, content_type, None, "overwrite")
            else:
                await self._put_numbered(path, key, body, content_type, number)

    async def get(self, path: str) -> bytes | None:
        """Return what is published at `path`, or None."""
        key = self._key(path)
        try:
            with told(f"read {path}", is_reading=True):
                result = await self._store.get_async(key)
                return bytes(await result.bytes_async())
        except FileNotFoundError:
            return None

    async def _put_numbered(self, path: str, key: str, body: bytes, content_type: str, number: int) -> None:
        deadline: float | None = None
        while True:
            current = await _look(self._store, key)  # 1
            if current is not None and current.number is None and await self.get(path) != body:
                raise UnnumberedFileError(
                    f"{path} lies in the object store without its number, and is not what this agent has",
                    hint="bring the public folder there with `wanderbuch store publish`; or, if this agent's store is "
                    f"the newest there is, remove the object {key}",
                )
            if current is not None and current.number is not None and current.number > number:
                raise NewerFileError(
                    f"a newer {path} is published already: it has the number {current.number}, this one {number}",
                    hint="another process was faster; if the store was restored from an older copy, restore a newer "
                    f"one, or remove the object {key} to go back on purpose",
                )
            try:
                await _write(self._store, key, body, content_type, number, current)  # 2
            except (AlreadyExistsError, PreconditionError) as err:  # 3
                if await self._is_there(path, key, body, number):
                    return
                deadline = deadline or time.monotonic() + _LONGEST_WAIT_S  # a write that took long is nobody else's
                if time.monotonic() > deadline:
                    raise ConfigurationError(
                        f"others have been writing {path} to the object store for {_LONGEST_WAIT_S:g} s",
                        hint="see to it that only this agent writes below its prefix",
                    ) from err
                await asyncio.sleep(_LOOK_AGAIN_S)
            else:
                return

    async def _is_there(self, path: str, key: str, body: bytes, number: int) -> bool:
        current = await _look(self._store, key)
        return current is not None and current.number == number and await self.get(path) == body

    def _key(self, path: str) -> str:
        return self._folder + "/".join(public_segments(path))


async def check(store: ObjectStore) -> None:
    """Make sure that the store keeps what a numbered write rests on.

    Raises:
        ConfigurationError: it does not, or it cannot be asked.
    """
    with told("write"):
        await _write(store, _PROBE, secrets.token_bytes(16), _OCTETS, 1, "overwrite")
        current = await _look(store, _PROBE)
        if current is None or current.number != 1 or not current.tag:
            raise _unfit("keeps no metadata or no entity tag with an object")
        try:
            await _write(store, _PROBE, b"", _OCTETS, 1, None)
        except AlreadyExistsError:
            pass
        else:
            raise _unfit("writes over an object although it is told If-None-Match")
        try:
            await _write(store, _PROBE, b"", _OCTETS, 1, _Held(1, _NO_TAG))
        except PreconditionError:
            pass
        else:
            raise _unfit("writes over an object although it is told If-Match with the tag of another")


@contextmanager
def told(what: str, *, is_reading: bool = False) -> Iterator[None]:
    """Turn what the object store's client raises into one line.

    Args:
        what: is done.
        is_reading: whether an object may be missing.

    Raises:
        ConfigurationError: the store refused it, or did not answer.
        FileNotFoundError: an object that is read is not there.
    """
    try:
        yield
    except (PermissionDeniedError, UnauthenticatedError) as err:
        raise ConfigurationError(
            f"could not {what}: the object store refuses the access key",
            hint="check [public.objects] access_key and its secret, and that it may get and put objects",
        ) from err
    except FileNotFoundError as err:
        if is_reading:
            raise
        raise ConfigurationError(
            f"could not {what}: the object store has no such bucket", hint="make it, or correct [public.objects] bucket"
        ) from err
    except (AlreadyExistsError, NotModifiedError, PreconditionError):
        raise
    except (BaseError, OSError) as err:
        raise ConfigurationError(
            f"could not {what}: the object store does not answer, or not as one of S3 does",
            hint="check [public.objects] url, bucket and region, and whether the store runs",
        ) from err


def _unfit(why: str) -> ConfigurationError:
    return ConfigurationError(
        f"the object store cannot hold public files: it {why}",
        hint="take a store with conditional writes (If-Match, If-None-Match), or a folder: [public] folder",
    )


async def _look(store: ObjectStore, key: str) -> _Held | None:
    try:
        result = await store.get_async(key, options={"head": True})
    except FileNotFoundError:
        return None
    number = str(result.attributes.get(_NUMBER, ""))
    return _Held(int(number) if number.isdecimal() else None, result.meta["e_tag"] or "")


async def _write(
    store: ObjectStore, key: str, body: bytes, content_type: str, number: int | None, over: _Held | str | None
) -> None:
    """Write an object whole, over what is there: anything ("overwrite"), nothing (None), or one that was seen."""
    attributes = {"Content-Type": content_type, "Cache-Control": "no-cache"}
    if number is not None:
        attributes[_NUMBER] = str(number)
    if isinstance(over, _Held):
        await store.put_async(key, body, attributes=attributes, mode={"e_tag": over.tag}, use_multipart=False)
    else:
        mode = "create" if over is None else "overwrite"
        await store.put_async(key, body, attributes=attributes, mode=mode, use_multipart=False)  # type: ignore[arg-type]
