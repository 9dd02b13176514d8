"""A governance file carried together with the bytes it was read from, so that nobody reads it twice."""

from dataclasses import dataclass, field
from typing import Self

from wanderbuch.governance.facts.file import GovernanceFile
from wanderbuch.governance.form.validation import Report, parse_file


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """The bytes of a governance file without errors, and what they say. Only `read` and `of` make one."""

    payload: bytes = field(repr=False)
    file: GovernanceFile = field(repr=False)

    @classmethod
    def read(cls, payload: bytes) -> Self:
        """Return the file in `payload` (unsigned JSON).

        Raises:
            GovernanceFileError: it has errors; `findings` holds all of them.
        """
        return cls(payload, parse_file(payload))

    @classmethod
    def of(cls, payload: bytes, report: Report) -> Self | None:
        """Return the file that `validate_file` found in `payload`, None if it has errors."""
        return None if report.file is None else cls(payload, report.file)
