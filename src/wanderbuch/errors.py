"""The errors that Wanderbuch raises on purpose.

One base and one family a question. Every class has a stable `code`, which programs may rely on; the text may change.
"Could not check" (`ResolutionError`) and "checked and refused" (a returned decision) never share a type.
Messages say what was expected and what was found; they never hold an attribute's value, a key or a token.
"""

from typing import ClassVar


class WanderbuchError(Exception):
    """Base of every error that Wanderbuch raises on purpose.

    Args:
        message: one plain sentence: what was expected, what was found.
        hint: what the reader can do next, or None.
    """

    code: ClassVar[str] = "error"

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ConfigurationError(WanderbuchError):
    """The agent cannot start or run as configured."""

    code = "configuration"


class ResolutionError(WanderbuchError):
    """Something outside could not be fetched or checked; nothing was decided about it."""

    code = "resolution"


class CredentialError(WanderbuchError):
    """A claim or credential does not fit its credential type."""

    code = "credential"


class GovernanceError(WanderbuchError):
    """A governance file or freshness statement is malformed, unsigned or out of order."""

    code = "governance"


class PresentationError(WanderbuchError):
    """A proof request or presentation is malformed or not allowed in the state it came in."""

    code = "presentation"


class ExchangeError(WanderbuchError):
    """An exchange with another agent is unknown, over, or not in a state that allows the step."""

    code = "exchange"
