"""How an authority's office switches its TRQP endpoint on, and the routes to it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from aiohttp import web
from pydantic import SecretStr

from wanderbuch.agents.authority.trqp import TrqpEndpoint
from wanderbuch.agents.authority.trqp_config import VERSION, TrqpConfig
from wanderbuch.agents.authority.trqp_source import OwnSnapshot, Publishing, read_own
from wanderbuch.agents.runtime.app import PublicRoute
from wanderbuch.agents.runtime.secret_files import ExposedSecretError, read_secret
from wanderbuch.agents.runtime.tenant import Tenant
from wanderbuch.errors import ConfigurationError
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot

_MIN_TOKEN_LENGTH: Final = 16

type _Handler = Callable[[TrqpOffice, web.Request], Awaitable[web.Response]]


class TrqpOffice(Protocol):
    """What the routes read of an authority's office."""

    @property
    def trqp(self) -> TrqpEndpoint | None:
        """What answers; None where the endpoint is off."""
        ...


def open_endpoint(tenant: Tenant, config: TrqpConfig, own: OwnSnapshot) -> TrqpEndpoint | None:
    """Return what answers for an authority, None if the endpoint is off.

    Args:
        tenant: the authority's.
        config: the table `[authority.trqp]`.
        own: the authority's own file.

    Raises:
        ConfigurationError: the token cannot be read, or is too short.
    """
    if not config.enabled:
        return None
    return TrqpEndpoint(
        authority=tenant.did,
        base="/" + tenant.place.published(_BASE.removeprefix("/")),
        snapshot=own,
        first=own.first,
        config=config,
        token=None if config.token_file is None else read_token(config.token_file),
    )


def open_snapshot(tenant: Tenant, publication: Publishing) -> OwnSnapshot:
    """Return the authority's own file in memory, for all that answer questions; nothing is read yet."""
    return OwnSnapshot(
        publication,
        read=partial(read_own, publication),
        spawn=tenant.spawn,
        recognised=partial(_recognised, tenant),
    )


def _to(answer: Callable[[TrqpEndpoint, web.Request], Awaitable[web.Response]]) -> _Handler:
    async def handle(office: TrqpOffice, request: web.Request) -> web.Response:
        endpoint = office.trqp
        if endpoint is None:
            raise web.HTTPNotFound
        return await answer(endpoint, request)

    return handle


_BASE: Final = f"/trqp/{VERSION}"
_AUTHORIZATION: Final = f"{_BASE}/authorization"
_RECOGNITION: Final = f"{_BASE}/recognition"
TRQP_ROUTES: Final[Sequence[PublicRoute]] = (
    PublicRoute("POST", _AUTHORIZATION, _to(TrqpEndpoint.authorization)),
    PublicRoute("POST", _RECOGNITION, _to(TrqpEndpoint.recognition)),
    PublicRoute("GET", f"{_BASE}/openapi.json", _to(TrqpEndpoint.description)),
    PublicRoute("OPTIONS", _AUTHORIZATION, _to(TrqpEndpoint.preflight)),
    PublicRoute("OPTIONS", _RECOGNITION, _to(TrqpEndpoint.preflight)),
    PublicRoute("*", _AUTHORIZATION, _to(TrqpEndpoint.not_allowed)),
    PublicRoute("*", _RECOGNITION, _to(TrqpEndpoint.not_allowed)),
)


def read_token(path: Path) -> SecretStr:
    """Return the token in a file.

    Raises:
        ConfigurationError: it cannot be read, or is too short.
    """
    try:
        token = read_secret(path, "TRQP token").decode("ascii").strip()
    except ExposedSecretError:
        raise
    except (ConfigurationError, UnicodeDecodeError) as err:
        raise ConfigurationError(f"[authority.trqp] token_file: cannot read {path}") from err
    if len(token) < _MIN_TOKEN_LENGTH:
        raise ConfigurationError(
            f"[authority.trqp] token_file: expected at least {_MIN_TOKEN_LENGTH} characters",
            hint=f"`(umask 077; openssl rand -hex 32 > {path})` makes a good one",
        )
    return SecretStr(token)


def _recognised(tenant: Tenant) -> Mapping[Did, GovernanceSnapshot]:
    """Return the recognised authorities' files, if `[governance]` makes the agent a consumer of its own file."""
    governance_snapshot = None if (source := tenant.governance) is None else source.snapshot()
    return (
        {}
        if governance_snapshot is None or governance_snapshot.file.author != tenant.did
        else governance_snapshot.recognised
    )
