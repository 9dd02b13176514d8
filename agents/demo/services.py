"""Which agents the demo starts, and how: read from `compose/compose.yaml`, so that the file cannot rot."""

import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

from wanderbuch.errors import ConfigurationError

ROLES = ("authority", "issuer", "holder", "verifier")
_NEEDED = (*ROLES, "mediator", "wallet_host")


@dataclass(frozen=True, slots=True)
class Service:
    """A service of the compose file.

    Args:
        host: its public name.
        command: as it stands in the file; the configuration is named by its path in the container.
    """

    name: str
    host: str
    command: tuple[str, ...]

    @property
    def role(self) -> str:
        """The word after `wanderbuch` in the command."""
        return self.command[1]

    @property
    def image_command(self) -> tuple[str, ...]:
        """The command as an image has it, without its configuration."""
        return self.command[: self.command.index("--config")]

    @property
    def run_command(self) -> tuple[str, ...]:
        """The command on this machine, with this interpreter and without its configuration."""
        return (sys.executable, "-m", "wanderbuch.agents.cli", *self.image_command[1:])


def read_services(compose_file: Path) -> dict[str, Service]:
    """Return the services by name.

    Raises:
        ConfigurationError: the file is not there, or a service the demo needs is missing or not one of ours.
    """
    try:
        document = yaml.safe_load(compose_file.read_text(encoding="utf-8"))
        services = {
            name: Service(name, str(entry["networks"]["default"]["aliases"][0]), tuple(map(str, entry["command"])))
            for name, entry in document["services"].items()
        }
    except FileNotFoundError as err:
        raise ConfigurationError(
            f"there is no {compose_file}", hint="run the demo from a checkout of the project: make demo"
        ) from err
    except (OSError, yaml.YAMLError, KeyError, IndexError, TypeError, AttributeError) as err:
        raise ConfigurationError(f"{compose_file}: expected services with a command and a network alias") from err
    for name in _NEEDED:
        service = services.get(name)
        if service is None or service.command[:4] != ("wanderbuch", name, "run", "--config"):
            raise ConfigurationError(
                f"{compose_file}: expected the service {name} with the command wanderbuch {name} run …"
            )
    return services
