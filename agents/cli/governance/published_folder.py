"""A folder of governance files as any web server can serve it, and as consumers read it.

    versions/<n>.jws   every version, never changed
    parts/<hex>.json   parts of divided files, named by what they are
    current.jws        the newest version
    freshness.jws      the author's word that it is the current one

A version is published in this order, each file whole or not at all, so whoever reads at any moment finds a state that
holds: parts, the version, `current.jws`, `freshness.jws`. Nothing older takes the place of something newer.
"""

from dataclasses import dataclass
from pathlib import Path

from wanderbuch.agents.cli.governance.keys import read_file
from wanderbuch.agents.cli.governance.output import write_file
from wanderbuch.errors import ConfigurationError, GovernanceError
from wanderbuch.governance.divided.division import PartReader, checked_part, part_name
from wanderbuch.governance.facts.file import GovernanceFile
from wanderbuch.governance.signed.freshness import FreshnessStatement
from wanderbuch.governance.signed.signing import MAX_JWS_BYTES, SignedGovernanceFile
from wanderbuch.plugins.webvh.publisher import make_folders


class NotNewerError(GovernanceError):
    """What is to be published is not newer than what was."""

    code = "governance.rollback"


@dataclass(frozen=True, slots=True)
class PublishedFolder:
    """One folder of governance files."""

    path: Path

    @property
    def current(self) -> bytes | None:
        """The signed file that is current, None if there is none yet."""
        path = self.path / "current.jws"
        return read_file(path, max_bytes=MAX_JWS_BYTES) if path.exists() else None

    def publish(
        self,
        signed: SignedGovernanceFile,
        statement: tuple[FreshnessStatement, bytes] | None,
        *,
        current_file: GovernanceFile | None,
        held_statement: FreshnessStatement | None,
        read_part: PartReader,
    ) -> bool:
        """Put a version that was verified; return whether it is new.

        Args:
            signed: the version.
            statement: its freshness statement that was verified, and its bytes.
            current_file: the file that is current now, None if there is none.
            held_statement: the statement about it.
            read_part: gives the parts of a divided file.

        Raises:
            NotNewerError: it is not newer than what is there, or of another file.
            ConfigurationError: it cannot be written.
        """
        is_new = self._check(signed, current_file)
        if statement is not None and held_statement is not None and statement[0].iat < held_statement.iat:
            raise NotNewerError("expected a newer freshness statement than the one there, found an older one")
        for part in signed.file.division.parts if signed.file.division else ():
            target = self.path / part_name(part.digest)
            if not target.exists():
                _put(target, checked_part(part, read_part(part.digest)))
        version = self.path / "versions" / f"{signed.file.version}.jws"
        if not version.exists():
            _put(version, signed.jws)
        elif read_file(version, max_bytes=MAX_JWS_BYTES) != signed.jws:
            raise NotNewerError(f"version {signed.file.version} was published before, with other bytes", hint=_RAISE)
        if is_new:
            _put(self.path / "current.jws", signed.jws)
        if statement is not None:
            _put(self.path / "freshness.jws", statement[1])
        return is_new

    def _check(self, signed: SignedGovernanceFile, governance_file: GovernanceFile | None) -> bool:
        file = signed.file
        if governance_file is None:
            return True
        if (file.id, file.author) != (governance_file.id, governance_file.author):
            raise NotNewerError(
                f"the folder holds the file {governance_file.id} of {governance_file.author}, not this one"
            )
        if file.version < governance_file.version:
            raise NotNewerError(
                f"version {governance_file.version} is current, so version {file.version} is refused", hint=_RAISE
            )
        if file.version == governance_file.version and self.current != signed.jws:
            raise NotNewerError(
                f"version {governance_file.version} was published before, with other bytes", hint=_RAISE
            )
        return file.version > governance_file.version


_RAISE = "raise its version and sign it again"


def _put(path: Path, content: bytes) -> None:
    try:
        make_folders(path.parent, is_public=True)
    except OSError as err:
        raise ConfigurationError(f"cannot make the folder {path.parent}: {err.strerror}") from err
    write_file(path, content, is_public=True)
