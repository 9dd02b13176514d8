"""`/vault` at the public site: read, write and delete one vault.

In this order: the budget of the network and of all; the headers; the vault's own budget; the size; the body; the
signature; then a row is written. Nothing of it is logged. An answer is not for caches, nor for pages of other origins.
"""

import time
from collections.abc import Callable
from typing import Final, Protocol

from aiohttp import hdrs, web

from wanderbuch.agents.runtime.app import PublicRoute
from wanderbuch.agents.runtime.bodies import read_body
from wanderbuch.agents.runtime.gate.budget import Budget, TooOftenError
from wanderbuch.agents.runtime.gate.networks import Networks
from wanderbuch.agents.runtime.gate.rate_limit import RateLimit
from wanderbuch.agents.wallet_host.config import WalletHostConfig
from wanderbuch.agents.wallet_host.vault_call import (
    BASE_HEADER,
    SIGNATURE_HEADER,
    check_delete,
    check_write,
    newest_known,
    vault_key,
    vault_write,
)
from wanderbuch.agents.wallet_host.vaults import Vaults, VaultState, WriteOutcome
from wanderbuch.agents.wallet_host.written_bytes import WrittenBytes

PLACE: Final = "/vault"
_BODY_DEADLINE_S: Final = 60.0  # on a slow line
_MINUTE_S: Final = 60.0
_DAY_S: Final = 86_400.0
_LENGTH_BYTES: Final = 4
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class VaultOffice(Protocol):
    """What the routes read of a wallet host's office."""

    @property
    def vault_site(self) -> "VaultSite":
        """Answers them."""
        ...


class VaultSite:
    """Answers for one tenant.

    Args:
        vaults: where they are.
        config: how much and how often.
        origin: of this host, as it stands in what is signed.
        networks: tells networks apart.
        timer: seconds that only grow.
    """

    def __init__(
        self,
        vaults: Vaults,
        config: WalletHostConfig,
        *,
        origin: str,
        networks: Networks,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._vaults = vaults
        self._origin = origin
        self._networks = networks
        self._timer = timer
        self._most_bytes = config.revision_kb * 1024
        self._calls = Budget(network_a_minute=config.network_a_minute, all_a_minute=config.all_a_minute, timer=timer)
        self._new = RateLimit(per_second=config.new_a_day / _DAY_S, burst=config.new_a_day)
        self._bytes = WrittenBytes(config.network_mb_a_day * 1024 * 1024, timer)
        self._reads = RateLimit(per_second=config.reads_a_minute / _MINUTE_S, burst=config.reads_a_minute)
        self._writes = RateLimit(per_second=config.writes_a_minute / _MINUTE_S, burst=config.writes_a_minute)

    async def read(self, request: web.Request) -> web.Response:
        """Give what is in a vault: each revision from the base on, after its length in four bytes (big-endian)."""
        self._enter(request)
        vault = self._vaults.id_of(vault_key(request))
        state = await self._vaults.state(vault)
        if state.is_deleted:
            raise web.HTTPGone(headers=_gone(state))
        if not state.number:
            raise web.HTTPNotFound(headers=_HEADERS)
        is_known = newest_known(request) in (None, state.digest)
        if is_known and request.headers.get(hdrs.IF_NONE_MATCH) == _tag(state.number):
            return web.Response(status=304, headers={**_HEADERS, hdrs.ETAG: _tag(state.number)})
        self._take(self._reads, vault)
        state, revisions = await self._vaults.read(vault)
        if state.is_deleted:  # since
            raise web.HTTPGone(headers=_gone(state))
        if not state.number:  # forgotten since
            raise web.HTTPNotFound(headers=_HEADERS)
        if not revisions:  # a fault of ours: nobody's book goes for it
            raise web.HTTPServiceUnavailable(headers=_HEADERS)
        body = b"".join(len(sealed).to_bytes(_LENGTH_BYTES) + sealed for sealed in revisions)
        headers = {**_HEADERS, hdrs.ETAG: _tag(state.number), BASE_HEADER: str(state.base)}
        return web.Response(body=body, content_type="application/octet-stream", headers=headers)

    async def write(self, request: web.Request) -> web.Response:
        """Take a revision: 204, and its number as the entity tag."""
        network = self._enter(request)
        key, write = vault_key(request), vault_write(request)
        vault = self._vaults.id_of(key)
        if (request.content_length or 0) > self._most_bytes:
            raise web.HTTPRequestEntityTooLarge(self._most_bytes, request.content_length or 0, headers=_HEADERS)
        sealed = await read_body(request, deadline_s=_BODY_DEADLINE_S, max_bytes=self._most_bytes)
        if not sealed:
            raise web.HTTPBadRequest(text="expected a revision", headers=_HEADERS)
        check_write(self._origin, key, write, sealed)
        # Only who has the key uses up what the vault may do.
        self._take(self._writes, vault)
        if wait_s := self._bytes.wait_s(network, len(sealed)):
            raise _too_often(wait_s)
        if not write.after and not (await self._vaults.state(vault)).number:
            self._take(self._new, network)
        written, number = await self._vaults.write(
            vault, sealed, after=write.after, is_base=write.is_base, upon=write.upon
        )
        headers = {**_HEADERS, hdrs.ETAG: _tag(number)}
        match written:
            case WriteOutcome.TAKEN:  # by far the most: without a body there is nothing to keep, read or guess
                return web.Response(status=204, headers={hdrs.ETAG: _tag(number)})
            case WriteOutcome.OVERTAKEN:
                return web.Response(status=412, headers=headers)
            case WriteOutcome.DELETED:
                return web.Response(status=410, headers=_gone(await self._vaults.state(vault)))
            case WriteOutcome.FULL:
                return web.Response(status=507, headers=headers)

    async def delete(self, request: web.Request) -> web.Response:
        """Delete what is in a vault: 204, also if it was deleted before."""
        self._enter(request)
        key = vault_key(request)
        signature = check_delete(self._origin, key, request)
        vault = self._vaults.id_of(key)
        self._take(self._writes, vault)
        if not await self._vaults.delete(vault, signature=signature):
            raise web.HTTPNotFound(headers=_HEADERS)
        return web.Response(status=204, headers=_HEADERS)

    def _enter(self, request: web.Request) -> str:
        """Return the network of a call that has its place in the budget."""
        network = self._networks.of(request.remote, request.headers.getall("X-Forwarded-For", ()))
        try:
            self._calls.take(network)
        except TooOftenError as err:
            raise _too_often(err.wait_s) from err
        return network

    def _take(self, limit: RateLimit, name: str) -> None:
        if wait_s := limit.wait_s(name, self._timer()):
            raise _too_often(wait_s)


def _too_often(wait_s: int) -> web.HTTPTooManyRequests:
    return web.HTTPTooManyRequests(headers={**_HEADERS, hdrs.RETRY_AFTER: str(wait_s)})


def _gone(state: VaultState) -> dict[str, str]:
    """Return the headers of 410: whoever has the key can check that it was deleted by it."""
    return {**_HEADERS, **({SIGNATURE_HEADER: state.deletion} if state.deletion else {})}


def _tag(number: int) -> str:
    return f'"{number}"'


async def _read(office: VaultOffice, request: web.Request) -> web.StreamResponse:
    return await office.vault_site.read(request)


async def _write(office: VaultOffice, request: web.Request) -> web.StreamResponse:
    return await office.vault_site.write(request)


async def _delete(office: VaultOffice, request: web.Request) -> web.StreamResponse:
    return await office.vault_site.delete(request)


VAULT_ROUTES: Final = (
    PublicRoute("GET", PLACE, _read),
    PublicRoute("PUT", PLACE, _write),
    PublicRoute("DELETE", PLACE, _delete),
)
