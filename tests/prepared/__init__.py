"""Agents of tests start from a prepared process, one a process of tests, and their issuers have keys that are kept."""

from pathlib import Path
from typing import Final

from wanderbuch.agents.demo.stage import ROGUES
from wanderbuch.agents.machine.prepared import AGENTS, PreparedStart

COMMANDS: Final = ("typer.main", *(f"wanderbuch.agents.cli.{name}" for name in ("tenant", "backup.restoring")))
"""What the commands import that tests run beside agents (`running`)."""

start_prepared: Final = PreparedStart(
    (*AGENTS, *COMMANDS, "tests.issuer_keys:use_kept_keys"),
    programs=("tests.flow.tiny_role", *ROGUES),
    folder=Path(__file__).parents[2],
)
