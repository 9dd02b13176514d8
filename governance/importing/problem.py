"""What is wrong with one cell, before its place is known."""

from typing import ClassVar

from wanderbuch.errors import GovernanceError


class ValueProblem(GovernanceError):  # noqa: N818 - it becomes a finding, which is not an error of ours
    """A cell does not hold what its column is for.

    Args:
        message: what was expected and what was found.
        fix: what to write.
        cause: which of several mistakes it is, where the kind of the column does not say it; for pages in other
            languages.
    """

    code: ClassVar[str] = "governance.cell"

    def __init__(self, message: str, fix: str, cause: str = "") -> None:
        super().__init__(message, hint=fix)
        self.fix = fix
        self.cause = cause
