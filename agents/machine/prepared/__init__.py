"""Agents that start from a process which has imported ACA-Py already: most of what a start costs is that."""

from wanderbuch.agents.machine.prepared.starting import AGENTS, PreparedStart

__all__ = ["AGENTS", "PreparedStart"]
