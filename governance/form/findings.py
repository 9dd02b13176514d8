"""What is wrong with a governance file: every finding with its place, the rule it breaks and how to fix it."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar, Final

from pydantic_core import ErrorDetails

from wanderbuch.errors import GovernanceError


class Severity(Enum):
    """An error makes a file unusable; a warning is worth a second look."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, for the official who edits the file.

    Args:
        path: JSON pointer to the place (RFC 6901); "" is the whole file.
        rule: a stable name, such as "schema-listed".
        message: what was expected and what was found.
        fix: what to do.
    """

    severity: Severity
    path: str
    rule: str
    message: str
    fix: str

    def __str__(self) -> str:
        return f"{self.severity.value} at {self.path or '/'} [{self.rule}]: {self.message}; {self.fix}"


class GovernanceFileError(GovernanceError):
    """A governance file has errors; `findings` holds all of them, and the warnings."""

    code: ClassVar[str] = "governance.file"

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        errors = [finding for finding in self.findings if finding.severity is Severity.ERROR]
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        first = errors[0]
        super().__init__(
            f"the governance file has errors: at {first.path or '/'}: {first.message}{more}",
            hint=f"{first.fix}; `wanderbuch governance validate` lists every finding",
        )


def error(path: str, rule: str, message: str, fix: str) -> Finding:
    """Return a finding that makes the file unusable."""
    return Finding(Severity.ERROR, path, rule, message, fix)


def warning(path: str, rule: str, message: str, fix: str) -> Finding:
    """Return a finding that is worth a second look."""
    return Finding(Severity.WARNING, path, rule, message, fix)


def pointer(*steps: object) -> str:
    """Return the JSON pointer of a place (RFC 6901 §3).

    >>> pointer("entries", "https://x/y", 0)
    '/entries/https:~1~1x~1y/0'
    """
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


# pydantic's error types -> our rule and the fix; what is not listed keeps pydantic's type as the rule.
_KNOWN_TYPES: Final = {
    "missing": ("member-missing", "add it"),
    "int_type": ("whole-number", "write a whole number without quotes, such as 3"),
    "greater_than_equal": ("range", "write a number in that range"),
    "less_than_equal": ("range", "write a number in that range"),
    "too_short": ("not-empty", "name at least one; an empty list trusts nobody"),
    "list_type": ("list", "put it in square brackets"),
    "dict_type": ("object", "write an object in braces"),
    "model_type": ("object", "write an object in braces"),
    "string_type": ("text", "write a text in quotes"),
}


def of_pydantic(errors: Iterable[ErrorDetails], base: str, members: Iterable[str]) -> list[Finding]:
    """Return pydantic's errors as findings.

    Args:
        errors: what pydantic found.
        base: JSON pointer of what was checked.
        members: names that may have been meant by a misspelt one.
    """
    known = tuple(members)
    return [_of_one(error, base, known) for error in errors]


def _of_one(details: ErrorDetails, base: str, members: tuple[str, ...]) -> Finding:
    steps = [step for step in details["loc"] if step != "[key]"]
    kind, context = details["type"], details.get("ctx", {})
    path = base + pointer(*steps)
    if kind == "extra_forbidden":
        return error(path, "member-unknown", "found a member that is not known here", _meant(steps[-1], members))
    if kind == "literal_error":
        message = f"expected {context['expected']}, found {_shown(details['input'])}"
        return error(path, "choice", message, "write one of these")
    if "fix" in context:
        return error(path, kind, details["msg"], str(context["fix"]))
    rule, fix = _KNOWN_TYPES.get(kind, (kind, "correct it"))
    message = f"expected this member, found none: {steps[-1]}" if kind == "missing" else _lower(details["msg"])
    return error(path, rule, message, fix)


def _meant(name: object, members: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(str(name), members, n=1)
    return f"remove it, or write {near[0]!r} if that was meant" if near else "remove it"


def _shown(value: Any) -> str:
    return repr(value)[:80] if isinstance(value, str | int) else type(value).__name__


def _lower(message: str) -> str:
    return message[:1].lower() + message[1:]
