"""Several agents on one machine, as on several: certificates, names, ports, keys and configurations of their own."""

from wanderbuch.agents.machine.app_client import AppError
from wanderbuch.agents.machine.local import AgentHandle, LocalMachine

__all__ = ["AgentHandle", "AppError", "LocalMachine"]
