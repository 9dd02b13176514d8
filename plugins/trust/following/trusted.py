"""What an agent trusts of one authority's file, and the rules by which newer files and statements change that.

A pure state machine: no network, no store, no clock. Who fetches and keeps (`followed`) verifies what came, hands it
over here, and keeps what is then `seen`. The numbers are those of the rules of `source`:

    trusted.check_file(root)               3: nothing goes back; raises, or nothing happens
    trusted.update_file(signed)            3, and the file is the one held, not yet fresh
    trusted.is_newer(statement)            4, 5, 6
    trusted.history_to_check(statement)    8, and of which history rule 7 is to be asked
    trusted.update_statement(statement, history)   7, and the file held is fresh as long as the statement says
    trusted.lapse()                        the file held is no longer fresh

Signatures are checked before, by `verify_file` and `verify_freshness`, as their keys stand in DID documents that must
be fetched: only those two make what is handed over here. Of rule 2 the machine knows whose signatures a newer file
needs (`before`) and how missed versions are gone through (`missed_versions`, `check_missed`).
"""

from datetime import datetime
from typing import Final

from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.signed.freshness import FreshnessStatement, snapshot_of
from wanderbuch.governance.signed.history import Head
from wanderbuch.governance.signed.memory import RollbackError, SeenVersion, accept
from wanderbuch.governance.signed.signing import SignedGovernanceFile, ThresholdError, VersionBefore
from wanderbuch.plugins.trust.following.history_check import CheckedHistory
from wanderbuch.plugins.trust.following.refreshing import EquivocationError, WithheldError

MAX_MISSED_VERSIONS: Final = 64


class TrustedFile:
    """The newest good file of one author, the newest statement about it, and what must never go back.

    Args:
        seen: the highest version that somebody else has seen of this author's file.
        before: the newest file of this author that somebody else has checked: its parties have a say in what follows.
        checks_history: whether the author's history is checked; a staple carries none.
    """

    def __init__(
        self, *, seen: SeenVersion | None = None, before: VersionBefore | None = None, checks_history: bool = True
    ) -> None:
        self._seen = seen
        self._before = before  # newer than the file held, or where none is: its parties must have signed the next one
        self._checks_history = checks_history
        self._file: SignedGovernanceFile | None = None
        self._statement: FreshnessStatement | None = None
        self._snapshot: GovernanceSnapshot | None = None
        self._head: Head | None = None
        self._issued_at: datetime | None = None
        self._checked: CheckedHistory | None = None

    @property
    def file(self) -> SignedGovernanceFile | None:
        """The file held, None if there is none yet."""
        return self._file

    @property
    def statement(self) -> FreshnessStatement | None:
        """The newest statement about exactly this file, None if there is none."""
        return self._statement

    @property
    def snapshot(self) -> GovernanceSnapshot | None:
        """What decisions may rest on, the same object until something changes; None until a first good file is held."""
        return self._snapshot

    @property
    def seen(self) -> SeenVersion | None:
        """The highest version that was ever seen, or that the author said there is."""
        return self._seen

    @property
    def head(self) -> Head | None:
        """The longest history that the author signed and that was checked."""
        return self._head

    @property
    def issued_at(self) -> datetime | None:
        """When the newest statement seen was made."""
        return self._issued_at

    @property
    def before(self) -> VersionBefore | None:
        """The newest version of which it is known who must sign what follows: the file held, or one that was lost."""
        file = self._file.file if self._file else None
        if file is None or (self._before is not None and self._before.version > file.version):
            return self._before
        return file

    def remember(
        self,
        *,
        seen: SeenVersion | None = None,
        head: Head | None = None,
        issued_at: datetime | None = None,
        before: VersionBefore | None = None,
    ) -> None:
        """Take over what was kept, member by member, where it is further on: none of these ever goes back."""
        if seen is not None and (self._seen is None or seen.version > self._seen.version):
            self._seen = seen
        if head is not None and (self._head is None or head.size > self._head.size):
            self._head = head
        if issued_at is not None and (self._issued_at is None or issued_at > self._issued_at):
            self._issued_at = issued_at
        if before is not None and (self._before is None or before.version > self._before.version):
            self._before = before

    def restore(self, signed: SignedGovernanceFile, statement: FreshnessStatement | None) -> None:
        """Hold what was kept; it went through the rules when it came, and its signatures were checked again."""
        self._hold(signed, statement)

    def missed_versions(self, newest: VersionBefore) -> range:
        """Return the numbers of the versions between the last one known and `newest` (rule 2).

        Raises:
            ThresholdError: there are more than anybody goes through.
        """
        before = self.before
        missed = range((newest.version if before is None else before.version) + 1, newest.version)
        if before is not None and len(missed) > MAX_MISSED_VERSIONS:
            raise ThresholdError(
                f"version {newest.version} is not signed by the parties of version {before.version}, and there "
                f"are more than {MAX_MISSED_VERSIONS} versions between them"
            )
        return missed

    def check_file(self, signed: SignedGovernanceFile) -> None:
        """Refuse a file that goes back (rule 3); nothing changes, as its parts may still be missing (rule 1).

        Raises:
            RollbackError: it does.
        """
        accept(self._seen, signed)

    def update_file(self, signed: SignedGovernanceFile) -> None:
        """Hold a file that came with all its parts, in place of the one held (rule 3). Nobody vouches for it yet.

        Raises:
            RollbackError: it goes back.
        """
        self._seen = accept(self._seen, signed)
        self._hold(signed, None)

    def is_newer(self, statement: FreshnessStatement) -> bool:
        """Return whether a statement about the file held is newer than the one held (rules 4, 5, 6).

        Raises:
            WithheldError: a newer file than the one held is being withheld.
            RollbackError: the statement speaks of other bytes, or is older than one seen before.
        """
        ref = self._held.ref
        if statement.id == ref.id and statement.version > ref.version:  # 4
            self.remember(seen=SeenVersion(statement.id, statement.version, statement.digest))
            raise WithheldError(
                f"the author says that version {statement.version} is current, but version {ref.version} is served"
            )
        if self._seen is not None and self._seen.version > ref.version:  # 4
            raise WithheldError(
                f"the author has said that version {self._seen.version} is current, but version {ref.version} is served"
            )
        if statement.ref != ref:  # 5
            raise RollbackError(
                f"expected a freshness statement about version {ref.version}, found one about other bytes"
            )
        if self._issued_at is not None and statement.iat < self._issued_at:  # 6
            raise RollbackError("the freshness statement served is older than the one held")
        return self._statement is None or statement.iat != self._statement.iat

    def history_to_check(self, statement: FreshnessStatement) -> Head | None:
        """Return the head of the history that is to be checked for `update_statement`; None: there is nothing to check.

        Raises:
            EquivocationError: the author once named a history, and now does not (rule 8).
        """
        head = statement.history
        if head is None:
            if self._head is None:
                return None
            self.refuse_history(statement)
            raise EquivocationError(
                f"the author no longer names the history, of which {self._head.size} entries were seen"
            )
        return head if self._checks_history and not self._is_checked(head) else None

    def refuse_history(self, statement: FreshnessStatement) -> None:
        """Remember a statement whose history breaks a rule: no older statement counts after it."""
        self.remember(issued_at=statement.iat)

    def update_statement(self, statement: FreshnessStatement, history: CheckedHistory | None = None) -> None:
        """Let the author vouch for the file held.

        Args:
            statement: `is_newer` said so.
            history: the outcome of the check of `history_to_check`; None where there was nothing to check.

        Raises:
            WithheldError, RollbackError, EquivocationError: as `is_newer` and `history_to_check` do.
            ValueError: the history of rule 7 was not checked, or another one was.
        """
        self.is_newer(statement)
        if history is not None and (history.head, history.digest) == (statement.history, self._held.digest):
            self._head, self._checked = history.head, history
        if self.history_to_check(statement) is not None:  # 7
            raise ValueError("the history that the statement names must be checked first")
        self._issued_at = statement.iat
        self._hold(self._held, statement)

    def lapse(self) -> None:
        """Make the file held no longer fresh (rules 4, 7, 8)."""
        if self._file is not None:
            self._hold(self._file, None)

    @property
    def _held(self) -> SignedGovernanceFile:
        if self._file is None:
            raise ValueError("a statement is about the file held, so that must come first")
        return self._file

    def _hold(self, signed: SignedGovernanceFile, statement: FreshnessStatement | None) -> None:
        self._file, self._statement = signed, statement
        self._snapshot = snapshot_of(signed, statement)

    def _is_checked(self, head: Head) -> bool:
        return self._checked is not None and (self._checked.head, self._checked.digest) == (head, self._held.digest)


def check_missed(signed: SignedGovernanceFile, *, version: int, before: VersionBefore) -> None:
    """Refuse a file that is not the missed version it was fetched as (rule 2).

    Raises:
        RollbackError: it is another one.
    """
    if signed.ref.id != before.id or signed.file.version != version:
        raise RollbackError(f"expected version {version}, found version {signed.file.version}")
