"""What can go wrong with a call."""

from collections.abc import Mapping
from typing import Any, Final

from wanderbuch.errors import WanderbuchError

_PASSING: Final = frozenset({408, 429, 502, 503, 504})


class ApiError(WanderbuchError):
    """A call was answered with a problem (RFC 9457).

    Args:
        status: of HTTP.
        problem: what was answered; `code` in it is stable, docs/errors.md lists them.
    """

    code = "client.problem"

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        text = str(problem.get("detail") or problem.get("title") or f"status {status}")
        hint = problem.get("hint")
        super().__init__(text, hint=hint if isinstance(hint, str) else None)
        self.status = status
        self.problem = dict(problem)

    @property
    def problem_code(self) -> str:
        """The code of the problem, such as "not-found"; empty if it has none."""
        code = self.problem.get("code")
        return code if isinstance(code, str) else ""

    @property
    def may_pass(self) -> bool:
        """Whether the same call may go well later; with the same idempotency key it makes nothing twice."""
        return self.status in _PASSING


class UnreachableError(WanderbuchError):
    """There was no answer, or none that is JSON; whether the call was heard is not known."""

    code = "client.unreachable"
