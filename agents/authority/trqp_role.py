"""How the authority's role switches its TRQP endpoint on."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from wanderbuch.agents.authority.trqp import TrqpEndpoint
from wanderbuch.agents.authority.trqp_config import TrqpConfig
from wanderbuch.agents.authority.trqp_source import OwnSnapshot, Publishing, read_own
from wanderbuch.agents.runtime.agent import RunningAgent
from wanderbuch.agents.runtime.app import PublicRoute
from wanderbuch.agents.runtime.secret_files import ExposedSecretError, read_secret
from wanderbuch.errors import ConfigurationError
from wanderbuch.governance.identifiers import Did
from wanderbuch.governance.snapshot import GovernanceSnapshot

_MIN_TOKEN_LENGTH: Final = 16


def trqp_routes(
    agent: RunningAgent, config: TrqpConfig, publication: Callable[[], Publishing | None]
) -> Sequence[PublicRoute]:
    """Return the routes of the public site, none if the endpoint is off.

    Args:
        agent: the authority.
        config: the table `[authority.trqp]`.
        publication: what it publishes; None before the role has started.

    Raises:
        ConfigurationError: the token can not be read, or is too short.
    """
    if not config.enabled:
        return ()
    held: OwnSnapshot | None = None

    def own() -> OwnSnapshot | None:
        nonlocal held
        if held is None and (found := publication()) is not None:
            held = OwnSnapshot(
                found, read=partial(read_own, found), spawn=agent.spawn, recognised=partial(_recognised, agent)
            )
        return held

    def snapshot() -> GovernanceSnapshot | None:
        return None if (found := own()) is None else found()

    async def first() -> GovernanceSnapshot | None:
        if (found := own()) is not None:
            await found.refresh()
        return snapshot()

    endpoint = TrqpEndpoint(
        authority=lambda: agent.did if agent.has_did else None,
        snapshot=snapshot,
        first=first,
        config=config,
        token=None if config.token_file is None else read_token(config.token_file),
    )
    return endpoint.routes()


def read_token(path: Path) -> SecretStr:
    """Return the token in a file.

    Raises:
        ConfigurationError: it can not be read, or is too short.
    """
    try:
        token = read_secret(path, "TRQP token").decode("ascii").strip()
    except ExposedSecretError:
        raise
    except (ConfigurationError, UnicodeDecodeError) as err:
        raise ConfigurationError(f"[authority.trqp] token_file: can not read {path}") from err
    if len(token) < _MIN_TOKEN_LENGTH:
        raise ConfigurationError(
            f"[authority.trqp] token_file: expected at least {_MIN_TOKEN_LENGTH} characters",
            hint=f"`(umask 077; openssl rand -hex 32 > {path})` makes a good one",
        )
    return SecretStr(token)


def _recognised(agent: RunningAgent) -> Mapping[Did, GovernanceSnapshot]:
    """Return the recognised authorities' files, if `[governance]` makes the agent a consumer of its own file."""
    held = None if agent.governance is None else agent.governance.snapshot()
    return {} if held is None or held.file.author != agent.did else held.recognised
