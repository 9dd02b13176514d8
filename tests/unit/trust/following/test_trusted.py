"""The rules by which newer files and statements change what is trusted: no loop, no network, no store, no clock."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files

import pytest

from wanderbuch.governance.facts.identifiers import DidUrl
from wanderbuch.governance.form.validation import parse_file
from wanderbuch.governance.signed.freshness import FreshnessStatement
from wanderbuch.governance.signed.history import Head, HistoryEntry, head_of, write_entries
from wanderbuch.governance.signed.memory import RollbackError, SeenVersion
from wanderbuch.governance.signed.merkle import leaf_hash
from wanderbuch.governance.signed.signing import SignedGovernanceFile, ThresholdError
from wanderbuch.plugins.trust.following.history_check import CheckedHistory, check_history
from wanderbuch.plugins.trust.following.refreshing import EquivocationError, WithheldError
from wanderbuch.plugins.trust.following.trusted import MAX_MISSED_VERSIONS, TrustedFile, check_missed

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
FILE = parse_file(files("wanderbuch.governance").joinpath("files", "sri-lanka.example.json").read_bytes())


def version(number: int, *, name: str = FILE.name, file_id: str = FILE.id) -> SignedGovernanceFile:
    """Return a file as `verify_file` returns it; its digest tells versions and names apart."""
    digest = f"sha256:{number:04x}{name.encode().hex():0>60.60}"
    file = replace(FILE, version=number, name=name, id=file_id)
    return SignedGovernanceFile(file, digest, b"jws", DidUrl.parse(f"{FILE.author}#key-1"))


def statement(signed: SignedGovernanceFile, *, minute: int = 0, history: Head | None = None) -> FreshnessStatement:
    at = NOW + timedelta(minutes=minute)
    return FreshnessStatement.for_file(signed.ref, at=at, lifetime=timedelta(hours=1), history=history)


def holding(signed: SignedGovernanceFile, *, fresh: bool = True) -> TrustedFile:
    trusted = TrustedFile()
    trusted.update_file(signed)
    if fresh:
        trusted.update_statement(statement(signed))
    return trusted


def is_fresh(trusted: TrustedFile) -> bool:
    return trusted.snapshot is not None and trusted.snapshot.is_fresh(NOW + timedelta(minutes=30))


def history_of(*versions: SignedGovernanceFile, why: str = "a decision") -> tuple[bytes, Head]:
    entries = [
        HistoryEntry(number, NOW, "perera", "publication", why, signed.file.version, signed.digest)
        for number, signed in enumerate(versions)
    ]
    return write_entries(entries), head_of([leaf_hash(entry.line) for entry in entries])


def vouch(trusted: TrustedFile, signed: SignedGovernanceFile, history: tuple[bytes, Head], *, minute: int = 0) -> None:
    """Do what `followed` does with a statement that names a history."""
    entries, head = history
    newest = statement(signed, minute=minute, history=head)
    assert trusted.is_newer(newest)
    asked = trusted.history_to_check(newest)
    checked = None if asked is None else check_history(entries, head=asked, seen=trusted.head, ref=signed.ref)
    trusted.update_statement(newest, checked)


class TestFile:
    def test_nothing_is_trusted_before_a_first_file(self) -> None:
        trusted = TrustedFile()
        assert (trusted.file, trusted.statement, trusted.snapshot, trusted.seen) == (None, None, None, None)

    def test_a_newer_version_is_held_and_nobody_vouches_for_it_yet(self) -> None:
        trusted = holding(version(1))
        trusted.update_file(version(2))
        assert trusted.file == version(2)
        assert trusted.statement is None
        assert not is_fresh(trusted)

    @pytest.mark.parametrize(
        "refused",
        [version(1), version(2, name="other bytes"), version(3, file_id="another file")],
        ids=["lower version", "same version, other bytes", "another id"],
    )
    def test_what_goes_back_is_refused_and_changes_nothing(self, refused: SignedGovernanceFile) -> None:  # 3
        trusted = holding(version(2))
        for take in (trusted.check_file, trusted.update_file):
            with pytest.raises(RollbackError):
                take(refused)
        assert trusted.file == version(2)
        assert is_fresh(trusted)

    def test_a_check_alone_changes_nothing(self) -> None:  # 1: parts may not come
        trusted = holding(version(1))
        trusted.check_file(version(2))
        assert trusted.file == version(1)
        assert trusted.seen == SeenVersion(FILE.id, 1, version(1).digest)
        assert is_fresh(trusted)

    def test_what_somebody_else_has_seen_counts(self) -> None:
        trusted = TrustedFile(seen=SeenVersion(FILE.id, 3, version(3).digest))
        with pytest.raises(RollbackError):
            trusted.update_file(version(2))
        trusted.update_file(version(3))
        assert trusted.file == version(3)


class TestMissedVersions:
    def test_are_those_between(self) -> None:  # 2
        assert list(holding(version(2)).missed_versions(version(5).file)) == [3, 4]

    def test_may_not_be_more_than_anybody_goes_through(self) -> None:
        trusted = holding(version(1))
        assert len(trusted.missed_versions(version(MAX_MISSED_VERSIONS + 2).file)) == MAX_MISSED_VERSIONS
        with pytest.raises(ThresholdError):
            trusted.missed_versions(version(MAX_MISSED_VERSIONS + 3).file)

    def test_count_from_the_newest_version_known_also_where_its_file_was_lost(self) -> None:
        trusted = holding(version(1))
        trusted.remember(before=version(4).file)
        assert trusted.before == version(4).file
        assert list(trusted.missed_versions(version(6).file)) == [5]

    @pytest.mark.parametrize("other", [version(4), version(3, file_id="another file")], ids=["number", "id"])
    def test_another_file_in_place_of_a_missed_one_is_refused(self, other: SignedGovernanceFile) -> None:
        check_missed(version(3), version=3, before=version(2).file)
        with pytest.raises(RollbackError):
            check_missed(other, version=3, before=version(2).file)


class TestStatement:
    def test_makes_the_file_held_fresh(self) -> None:
        trusted = holding(version(1), fresh=False)
        assert not is_fresh(trusted)
        trusted.update_statement(statement(version(1)))
        assert is_fresh(trusted)

    def test_needs_a_file(self) -> None:
        with pytest.raises(ValueError, match="file held"):
            TrustedFile().is_newer(statement(version(1)))

    def test_about_a_newer_version_means_that_it_is_withheld(self) -> None:  # 4
        trusted = holding(version(1))
        with pytest.raises(WithheldError):
            trusted.is_newer(statement(version(2), minute=1))
        with pytest.raises(WithheldError):  # nor does an honest statement about the old one help any more
            trusted.update_statement(statement(version(1), minute=2))
        trusted.lapse()
        assert not is_fresh(trusted)
        trusted.update_file(version(2))
        trusted.update_statement(statement(version(2), minute=1))
        assert is_fresh(trusted)

    @pytest.mark.parametrize(
        "other",
        [version(1), version(2, name="other bytes"), version(3, file_id="another file")],
        ids=["older version", "other bytes", "another id"],
    )
    def test_about_anything_but_the_file_held_is_refused(self, other: SignedGovernanceFile) -> None:  # 5
        trusted = holding(version(2))
        with pytest.raises(RollbackError):
            trusted.is_newer(statement(other, minute=1))
        assert trusted.statement == statement(version(2))

    def test_older_than_the_one_seen_is_refused_and_the_same_is_no_news(self) -> None:  # 6
        trusted = holding(version(1))
        with pytest.raises(RollbackError):
            trusted.update_statement(statement(version(1), minute=-1))
        assert not trusted.is_newer(statement(version(1)))
        assert trusted.is_newer(statement(version(1), minute=1))

    def test_of_an_older_instant_is_refused_also_after_the_freshness_lapsed(self) -> None:
        trusted = holding(version(1))
        trusted.lapse()
        with pytest.raises(RollbackError):
            trusted.is_newer(statement(version(1), minute=-1))


class TestHistory:
    def test_that_goes_on_from_the_one_seen_keeps_the_file_fresh(self) -> None:  # 7
        trusted = holding(version(1), fresh=False)
        vouch(trusted, version(1), history_of(version(1)))
        trusted.update_file(version(2))
        vouch(trusted, version(2), history_of(version(1), version(2)), minute=1)
        assert is_fresh(trusted)
        assert trusted.head == history_of(version(1), version(2))[1]

    def test_that_was_checked_for_the_same_file_is_not_asked_for_again(self) -> None:
        trusted = holding(version(1), fresh=False)
        vouch(trusted, version(1), history_of(version(1)))
        again = statement(version(1), minute=1, history=history_of(version(1))[1])
        assert trusted.history_to_check(again) is None
        trusted.update_statement(again)
        assert trusted.statement == again

    def test_must_be_checked_before_the_statement_counts(self) -> None:
        trusted = holding(version(1), fresh=False)
        head = history_of(version(1))[1]
        named = statement(version(1), history=head)
        for unchecked in (None, CheckedHistory(head, version(2).digest), CheckedHistory(Head(2, head.root), head.root)):
            with pytest.raises(ValueError, match="checked first"):
                trusted.update_statement(named, unchecked)
        assert not is_fresh(trusted)
        assert trusted.head is None

    def test_with_an_entry_changed_is_refused(self) -> None:
        trusted = holding(version(1), fresh=False)
        vouch(trusted, version(1), history_of(version(1)))
        trusted.update_file(version(2))
        with pytest.raises(EquivocationError):
            vouch(trusted, version(2), history_of(version(1), version(2), why="another reason"), minute=1)
        assert not is_fresh(trusted)

    def test_once_named_stays_named(self) -> None:  # 8
        trusted = holding(version(1), fresh=False)
        vouch(trusted, version(1), history_of(version(1)))
        with pytest.raises(EquivocationError):
            trusted.update_statement(statement(version(1), minute=5))
        with pytest.raises(RollbackError):  # no older statement counts after it
            trusted.is_newer(statement(version(1), minute=4))

    def test_is_not_asked_for_where_histories_are_not_checked(self) -> None:
        trusted = TrustedFile(checks_history=False)
        trusted.update_file(version(1))
        trusted.update_statement(statement(version(1), history=history_of(version(1))[1]))
        assert is_fresh(trusted)
        assert trusted.head is None


class TestMemory:
    def test_only_goes_forward_member_by_member(self) -> None:
        trusted = TrustedFile()
        further = {
            "seen": SeenVersion(FILE.id, 3, "sha256:3"),
            "head": Head(3, "sha256:3"),
            "issued_at": NOW,
            "before": version(3).file,
        }
        trusted.remember(seen=SeenVersion(FILE.id, 3, "sha256:3"), head=Head(3, "sha256:3"), issued_at=NOW)
        trusted.remember(before=version(3).file)
        trusted.remember(seen=SeenVersion(FILE.id, 2, "sha256:2"), head=Head(2, "sha256:2"), before=version(2).file)
        trusted.remember(issued_at=NOW - timedelta(seconds=1))
        assert {name: getattr(trusted, name) for name in further} == further

    def test_what_was_kept_is_held_as_it_was(self) -> None:
        trusted = TrustedFile()
        trusted.restore(version(1), statement(version(1)))
        assert is_fresh(trusted)

    def test_the_snapshot_is_the_same_object_until_something_changes(self) -> None:
        trusted = holding(version(1))
        before = trusted.snapshot
        assert trusted.snapshot is before
        assert not trusted.is_newer(statement(version(1)))
        assert trusted.snapshot is before
        trusted.lapse()
        assert trusted.snapshot is not before
