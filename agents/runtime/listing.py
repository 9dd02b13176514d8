"""Long lists in the REST API: `limit` and `cursor` in the query, `next_cursor` in the answer (null at the end)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from wanderbuch.agents.runtime.app import Parameter
from wanderbuch.agents.runtime.problems import MalformedError

MAX_LISTED: Final = 500
_LISTED: Final = 200

LISTED: Final = (
    Parameter(
        "limit",
        "How many to list at most.",
        {"type": "integer", "minimum": 1, "maximum": MAX_LISTED, "default": _LISTED},
    ),
    Parameter("cursor", "The `next_cursor` of the page before; without it the list begins."),
)
"""The query parameters of a route that lists."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which part of a list is asked for."""

    limit: int = _LISTED
    cursor: str | None = None


def asked_part(query: Mapping[str, str]) -> Asked:
    """Return which part of a list a request asks for.

    Raises:
        MalformedError: the limit is no number from 1 to 500.
    """
    text = query.get("limit", str(_LISTED))
    limit = int(text) if text.isascii() and text.isdigit() and len(text) <= 4 else 0
    if not 1 <= limit <= MAX_LISTED:
        raise MalformedError(f"expected a limit from 1 to {MAX_LISTED}")
    return Asked(limit, query.get("cursor") or None)
