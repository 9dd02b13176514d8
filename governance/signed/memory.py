"""The highest version ever seen of a governance file: consumers never go back.

1. Another id is another file, never a newer version.
2. A lower version is refused, however well signed.
3. The same version with other bytes is refused: the author said two things under one number.
"""

from dataclasses import dataclass
from typing import ClassVar

from wanderbuch.errors import GovernanceError
from wanderbuch.governance.signed.signing import SignedGovernanceFile


class RollbackError(GovernanceError):
    """A validly signed file is older than, or contradicts, what was seen before."""

    code: ClassVar[str] = "governance.rollback"


@dataclass(frozen=True, slots=True)
class SeenVersion:
    """The highest version accepted so far. Keep it where a restart does not lose it."""

    id: str
    version: int
    digest: str


def accept(seen: SeenVersion | None, signed: SignedGovernanceFile) -> SeenVersion:
    """Return what to remember after the file `signed`, if it may be used.

    Raises:
        RollbackError: it may not; the message says which rule it breaks.
    """
    ref = signed.ref
    if seen is not None:
        if ref.id != seen.id:  # 1
            raise RollbackError(f"expected the governance file {seen.id!r}, found {ref.id!r}")
        if ref.version < seen.version:  # 2
            raise RollbackError(f"expected version {seen.version} or later, found version {ref.version}")
        if ref.version == seen.version and ref.digest != seen.digest:  # 3
            raise RollbackError(f"expected the version {ref.version} seen before, found other bytes under that number")
    return SeenVersion(ref.id, ref.version, ref.digest)
