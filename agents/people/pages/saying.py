"""What went wrong, as the templates of these pages take it."""

from typing import Any

from wanderbuch.errors import WanderbuchError


def error_values(err: WanderbuchError | None) -> dict[str, Any]:
    """Return an error for a page; None: nothing went wrong."""
    return {"message": err.message if err else None, "hint": err.hint if err else None}
