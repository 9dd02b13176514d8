"""Public files in an S3-compatible store, and how the public site serves them.

Every request asks the store, with the entity tag of what is at hand: what is at hand is what lies there, whichever
process put it. Files that never change are not asked for again. Large ones are passed on as they come.
"""

import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Final

from aiohttp import hdrs, web
from cachetools import LRUCache
from obstore.exceptions import AlreadyExistsError, NotModifiedError
from obstore.store import S3Store

from wanderbuch.agents.runtime.config import HOSTS_FOLDER
from wanderbuch.agents.runtime.config_tables import ObjectsConfig
from wanderbuch.agents.runtime.public_files import MARK, new_mark
from wanderbuch.errors import ConfigurationError
from wanderbuch.plugins.webvh.object_publisher import ObjectPublisher, check, told
from wanderbuch.plugins.webvh.publisher import Publisher

if TYPE_CHECKING:  # only the types of this library know its name
    from obstore import GetResult

_LOG = logging.getLogger(__name__)
_MAX_FILE_BYTES: Final = 64 * 1024
_MAX_BYTES: Final = 4 * 1024 * 1024
_CHUNK_BYTES: Final = 256 * 1024
_TIMEOUT: Final = "15s"
_CONNECT_TIMEOUT: Final = "5s"
_RETRY_FOR: Final = timedelta(seconds=15)
_RETRIES: Final = 3


@dataclass(frozen=True, slots=True)
class _File:
    """A small file as it was read: its body, its entity tag with quotes, and when it was put last."""

    body: bytes
    tag: str
    modified: str


class ObjectFiles:
    """Public files as objects of a bucket.

    Args:
        config: which.
        secret: of the access key.
    """

    def __init__(self, config: ObjectsConfig, secret: str) -> None:
        self._config = config
        self._store = S3Store(
            config.bucket,
            prefix=config.prefix or None,
            endpoint=config.url,
            region=config.region,
            access_key_id=config.access_key,
            secret_access_key=secret,
            client_options={
                "allow_http": config.is_unencrypted,
                "timeout": _TIMEOUT,
                "connect_timeout": _CONNECT_TIMEOUT,
            },
            retry_config={"max_retries": _RETRIES, "retry_timeout": _RETRY_FOR},
        )
        self._small: LRUCache[str, _File] = LRUCache(_MAX_BYTES, getsizeof=lambda file: len(file.body) + 1024)

    @property
    def place(self) -> str:
        """Return what to call it."""
        return f"the bucket {self._config.bucket}" + (f"/{self._config.prefix}" if self._config.prefix else "")

    async def check(self) -> None:
        """Try what a numbered write rests on; errors as with `object_publisher.check`."""
        await check(self._store)

    def publisher(self, host: str | None = None) -> Publisher:
        """Return what puts files there."""
        return ObjectPublisher(self._store, "" if host is None else f"{HOSTS_FOLDER}/{host}")

    async def answer(
        self, request: web.Request, host: str | None, segments: tuple[str, ...], headers: dict[str, str]
    ) -> web.StreamResponse:
        """Return the answer to a request; see `PublicFiles.answer`."""
        key = "/".join((*(() if host is None else (HOSTS_FOLDER, host)), *segments))
        known = self._small.get(key)
        if known is not None and "immutable" in headers.get(hdrs.CACHE_CONTROL, ""):
            return _answer(request, known, headers)
        try:
            with told(f"read {key}", is_reading=True):
                result = await self._store.get_async(key, options={"if_none_match": known.tag} if known else {})
                is_small = result.meta["size"] <= _MAX_FILE_BYTES
                body = bytes(await result.bytes_async()) if is_small else b""
        except NotModifiedError:
            if known is None:
                raise
            return _answer(request, known, headers)
        except FileNotFoundError:
            self._small.pop(key, None)
            raise web.HTTPNotFound from None
        except ConfigurationError as err:
            _LOG.warning("public.store_silent: %s", err)
            raise web.HTTPServiceUnavailable(headers={hdrs.RETRY_AFTER: "5"}) from err
        if not is_small:
            return await _pass_on(request, result, headers)
        self._small[key] = known = _File(body, result.meta["e_tag"] or "", _modified(result))
        return _answer(request, known, headers)

    async def mark(self) -> str:
        """Return the mark of the place; made if there is none."""
        if mark := await self._mark():
            return mark
        mark = new_mark()
        try:
            with told("write"):
                await self._store.put_async(MARK, mark.encode(), mode="create", use_multipart=False)
        except AlreadyExistsError:
            mark = await self._mark() or mark
        return mark

    async def read_mark(self) -> str | None:
        """Return the mark of the place; None if there is none, or it cannot be read now."""
        try:
            return await self._mark()
        except ConfigurationError:
            return None

    async def _mark(self) -> str | None:
        try:
            with told("read", is_reading=True):
                result = await self._store.get_async(MARK)
                return bytes(await result.bytes_async()).decode("ascii", "replace").strip()
        except FileNotFoundError:
            return None


def _answer(request: web.Request, file: _File, headers: dict[str, str]) -> web.Response:
    """Return a file that is at hand, or that whoever asks has it already (RFC 9110 §13.2.2)."""
    answered = {**headers, hdrs.ETAG: file.tag, hdrs.LAST_MODIFIED: file.modified}
    tags = request.if_none_match
    if tags is not None and {tag.value for tag in tags} & {file.tag.strip('"'), "*"}:
        del answered[hdrs.CONTENT_TYPE]
        return web.Response(status=304, headers=answered)
    return web.Response(body=file.body, headers=answered)


async def _pass_on(request: web.Request, result: "GetResult", headers: dict[str, str]) -> web.StreamResponse:
    """Pass a large file on as it comes; where it does not come whole, cut the connection: nobody must take it so."""
    meta = result.meta
    response = web.StreamResponse(headers={**headers, hdrs.LAST_MODIFIED: _modified(result)})
    if meta["e_tag"]:
        response.headers[hdrs.ETAG] = meta["e_tag"]
    response.content_length = meta["size"]
    await response.prepare(request)
    if request.method != hdrs.METH_HEAD:
        left = meta["size"]
        try:
            async for chunk in _chunks(result):
                left -= len(chunk)
                await response.write(chunk)
        except ConfigurationError as err:
            _LOG.warning("public.store_silent: %s", err)
        except ConnectionError:
            return response  # whoever asked has gone
        if left:
            if request.transport is not None:
                request.transport.abort()
            return response
    await response.write_eof()
    return response


async def _chunks(result: "GetResult") -> AsyncIterator[bytes]:
    with told(f"read {result.meta['path']} to its end"):
        async for chunk in result.stream(min_chunk_size=_CHUNK_BYTES):
            yield bytes(chunk)


def _modified(result: "GetResult") -> str:
    return format_datetime(result.meta["last_modified"], usegmt=True)
