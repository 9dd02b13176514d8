"""How a program ends: its exit codes, and the line that tells why."""

import json
from typing import Final

from wanderbuch.errors import WanderbuchError

EXIT_MISTAKE: Final = 2
EXIT_FAULT: Final = 70
EXIT_STORE_FAILED: Final = 75


def show_error(err: WanderbuchError, *, as_json: bool) -> None:
    """Print an error as one line with what to do; as JSON on standard output too, where a program reads it."""
    if as_json:
        print(json.dumps({"error": {"code": err.code, "message": err.message, "hint": err.hint}}))  # noqa: T201
    # Imported here: 2 MB and 20 ms that an agent whose start goes well has no use for.
    from rich.console import Console

    console = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
    console.print(f"wanderbuch: {err.message}{f' ({err.hint})' if err.hint else ''}")
