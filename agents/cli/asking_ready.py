"""`wanderbuch <role> ready`: asks the agent of this configuration whether it is ready; quick, for health checks."""

import http.client
import ipaddress
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from wanderbuch.agents.runtime.config_tables import AppConfig
from wanderbuch.errors import ConfigurationError
from wanderbuch.strict_json import StrictJsonError, read_strict_json

_TIMEOUT_S: Final = 5.0
_MAX_ANSWER_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Readiness:
    """What an agent answered.

    Args:
        ready: whether it is.
        line: what to tell an operator.
    """

    ready: bool
    line: str


def ask_ready(config: Path) -> Readiness:
    """Ask `/ready` of the app site that a configuration names.

    Raises:
        ConfigurationError: the configuration cannot be read, or names no app site.
    """
    try:
        listen = AppConfig.model_validate(tomllib.loads(config.read_text("utf-8"))["app"]).listen
    except OSError as err:
        raise ConfigurationError(f"{config} cannot be read: {err.strerror}") from err
    except (ValueError, KeyError) as err:
        raise ConfigurationError(f"{config}: expected a table [app] with listen") from err
    connection = http.client.HTTPConnection(_reachable(listen.host), listen.port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", "/ready")
        response = connection.getresponse()
        answer = read_strict_json(response.read(_MAX_ANSWER_BYTES), max_bytes=_MAX_ANSWER_BYTES, max_depth=8)
        checks = answer["checks"].items()
    except (OSError, http.client.HTTPException):
        return Readiness(ready=False, line=f"nobody answers at {listen}")
    except (StrictJsonError, KeyError, AttributeError, TypeError):
        return Readiness(ready=False, line=f"whoever answers at {listen} is no agent")
    finally:
        connection.close()
    if response.status == http.HTTPStatus.OK:
        return Readiness(ready=True, line="ready")
    return Readiness(ready=False, line="not ready: " + "; ".join(f"{name}: {outcome}" for name, outcome in checks))


def _reachable(host: str) -> str:
    """Return where one on the same machine reaches who listens there."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if not address.is_unspecified:
        return host
    return "127.0.0.1" if address.version == 4 else "::1"
