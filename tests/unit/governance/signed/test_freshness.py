import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.unit.governance.conftest import EXAMPLE, NOW, Json, KeyHolder, payload_of

from wanderbuch.governance.facts.question import Reason
from wanderbuch.governance.facts.snapshot import CLOCK_SKEW, DEFAULT_TTL, Freshness
from wanderbuch.governance.signed.freshness import (
    FRESHNESS_TYP,
    MAX_LIFETIME,
    FreshnessError,
    FreshnessStatement,
    sign_freshness,
    snapshot_of,
    verify_freshness,
)
from wanderbuch.governance.signed.history import Head
from wanderbuch.governance.signed.jws import SignatureError, sign_jws
from wanderbuch.governance.signed.memory import RollbackError, SeenVersion, accept
from wanderbuch.governance.signed.signing import FILE_TYP, SignedGovernanceFile, sign_file, verify_file

SECOND = timedelta(seconds=1)


@pytest.fixture
async def signed(authority: KeyHolder) -> SignedGovernanceFile:
    jws = await sign_file(EXAMPLE.read_bytes(), authority.kid, authority.sign)
    return await verify_file(jws, author=authority.did, resolve_key=authority.resolve_key)


async def received(authority: KeyHolder, payload: Any, *, typ: str = FRESHNESS_TYP) -> bytes:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return await sign_jws(raw, kid=authority.kid, typ=typ, sign=authority.sign)


def freshness_claims(**changes: Any) -> dict[str, Any]:
    iat = int(NOW.timestamp())
    return {"id": "a", "version": 1, "digest": "sha256:" + "0" * 64, "iat": iat, "exp": iat + 3600} | changes


async def test_what_is_signed_is_what_is_read(authority: KeyHolder, signed: SignedGovernanceFile) -> None:
    statement = FreshnessStatement.for_file(signed.ref, at=NOW, lifetime=timedelta(hours=1))
    jws = await sign_freshness(statement, authority.kid, authority.sign)

    read = await verify_freshness(jws, author=authority.did, resolve_key=authority.resolve_key, at=NOW)

    assert read == statement
    snapshot = snapshot_of(signed, read)
    assert snapshot.ref == signed.ref
    assert snapshot.is_fresh(NOW)
    assert snapshot.is_fresh(read.exp - SECOND)
    assert not snapshot.is_fresh(read.exp)


async def test_the_head_of_the_history_is_signed_with_it(authority: KeyHolder, signed: SignedGovernanceFile) -> None:
    head = Head(3, "sha256:" + "a" * 64)
    statement = FreshnessStatement.for_file(signed.ref, at=NOW, lifetime=timedelta(hours=1), history=head)
    jws = await sign_freshness(statement, authority.kid, authority.sign)
    read = await verify_freshness(jws, author=authority.did, resolve_key=authority.resolve_key, at=NOW)
    assert read.history == head


def test_what_nobody_vouches_for_any_more_is_stale_and_then_expired(signed: SignedGovernanceFile) -> None:
    statement = FreshnessStatement.for_file(signed.ref, at=NOW, lifetime=timedelta(hours=1))
    days = signed.file.ttl or DEFAULT_TTL
    snapshot = snapshot_of(signed, statement)
    states = [
        snapshot.freshness(at) for at in (NOW, statement.exp, statement.exp + days - SECOND, statement.exp + days)
    ]
    assert states == [Freshness.FRESH, Freshness.STALE, Freshness.STALE, Freshness.EXPIRED]
    assert snapshot_of(signed, None).freshness(NOW + 10 * days) is Freshness.STALE
    assert snapshot.freshness(NOW - timedelta(days=1)) is Freshness.STALE  # a clock that is a day behind


async def test_refuses_a_statement_of_somebody_else(authority: KeyHolder, stranger: KeyHolder) -> None:
    jws = await received(stranger, freshness_claims())
    with pytest.raises(SignatureError):
        await verify_freshness(jws, author=authority.did, resolve_key=stranger.resolve_key, at=NOW)


async def test_refuses_a_file_where_a_statement_is_expected(authority: KeyHolder) -> None:
    jws = await received(authority, freshness_claims(), typ=FILE_TYP)
    with pytest.raises(SignatureError, match="typ"):
        await verify_freshness(jws, author=authority.did, resolve_key=authority.resolve_key, at=NOW)


@pytest.mark.parametrize(
    "payload",
    [
        freshness_claims(version="1"),
        freshness_claims(version=True),
        freshness_claims(version=0),
        freshness_claims(digest="sha256:xyz"),
        freshness_claims(digest="SHA256:" + "0" * 64),
        freshness_claims(iat="2026"),
        freshness_claims(exp=2**63),
        freshness_claims(iat=-1),
        freshness_claims(id=""),
        freshness_claims(more=1),
        freshness_claims(history={"size": 1}),
        freshness_claims(history={"size": -1, "root": "sha256:" + "0" * 64}),
        freshness_claims(history={"size": 1, "root": "0" * 64}),
        freshness_claims(history={"size": 1, "root": "sha256:" + "0" * 64, "more": 1}),
        {name: value for name, value in freshness_claims().items() if name != "digest"},
        [],
        b"not json",
        b'{"id": "a", "id": "b"}',
        b"\xff",
        json.dumps(freshness_claims()).replace('"version": 1', '"version": 1.0').encode(),
    ],
)
async def test_refuses_a_statement_of_another_form(authority: KeyHolder, payload: Any) -> None:
    with pytest.raises(FreshnessError, match="not usable"):
        await verify_freshness(
            await received(authority, payload), author=authority.did, resolve_key=authority.resolve_key, at=NOW
        )


@pytest.mark.parametrize(
    ("exp_after", "ok"),
    [(MAX_LIFETIME, True), (MAX_LIFETIME + SECOND, False), (SECOND, True), (timedelta(0), False), (-SECOND, False)],
)
async def test_lifetime_is_bounded(authority: KeyHolder, exp_after: timedelta, ok: bool) -> None:
    jws = await received(authority, freshness_claims(exp=int((NOW + exp_after).timestamp())))
    checked = verify_freshness(jws, author=authority.did, resolve_key=authority.resolve_key, at=NOW)
    if ok:
        assert (await checked).exp == NOW + exp_after
    else:
        with pytest.raises(FreshnessError, match="lifetime"):
            await checked


async def test_refuses_a_statement_from_the_future_beyond_clock_skew(authority: KeyHolder) -> None:
    jws = await received(authority, freshness_claims())
    for behind, ok in ((CLOCK_SKEW, True), (CLOCK_SKEW + SECOND, False), (timedelta(days=1), False)):
        checked = verify_freshness(jws, author=authority.did, resolve_key=authority.resolve_key, at=NOW - behind)
        if ok:
            await checked
        else:
            with pytest.raises(FreshnessError, match="made before") as refused:
                await checked
            assert "clock" in str(refused.value.hint)


async def test_an_expired_statement_is_read_but_nothing_is_fresh(
    authority: KeyHolder, signed: SignedGovernanceFile
) -> None:
    tomorrow = NOW + timedelta(days=1)
    statement = FreshnessStatement.for_file(signed.ref, at=NOW, lifetime=timedelta(hours=1))
    jws = await sign_freshness(statement, authority.kid, authority.sign)
    read = await verify_freshness(jws, author=authority.did, resolve_key=authority.resolve_key, at=tomorrow)
    assert not snapshot_of(signed, read).is_fresh(tomorrow)


def test_a_clock_before_the_statement_makes_nothing_fresh(signed: SignedGovernanceFile) -> None:
    statement = FreshnessStatement.for_file(signed.ref, at=NOW, lifetime=timedelta(hours=1))
    snapshot = snapshot_of(signed, statement)
    assert snapshot.is_fresh(NOW - CLOCK_SKEW)
    assert not snapshot.is_fresh(NOW - CLOCK_SKEW - SECOND)
    assert not snapshot.is_fresh(NOW - timedelta(days=1))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"version": 2}, "freshness.other_version"),
        ({"digest": "sha256:" + "1" * 64}, "freshness.other_file"),
        ({"id": "another"}, "freshness.other_file"),
    ],
)
def test_a_statement_about_other_bytes_makes_nothing_fresh(
    signed: SignedGovernanceFile, change: dict[str, Any], code: str
) -> None:
    statement = FreshnessStatement.for_file(signed.ref, at=NOW, lifetime=timedelta(hours=1))
    note = Reason("a", "b")
    snapshot = snapshot_of(signed, replace(statement, **change), notes=(note,))
    assert not snapshot.is_fresh(NOW)
    assert [note.code for note in snapshot.notes] == ["a", code]


def test_without_a_statement_nothing_is_fresh(signed: SignedGovernanceFile) -> None:
    assert not snapshot_of(signed, None).is_fresh(NOW)


@pytest.mark.parametrize("lifetime", [timedelta(0), timedelta(milliseconds=999), MAX_LIFETIME + SECOND])
def test_makes_no_statement_that_consumers_refuse(signed: SignedGovernanceFile, lifetime: timedelta) -> None:
    with pytest.raises(FreshnessError):
        FreshnessStatement.for_file(signed.ref, at=NOW, lifetime=lifetime)


def test_a_statement_is_made_in_whole_seconds(signed: SignedGovernanceFile) -> None:
    at = datetime(2026, 11, 22, 12, 0, 0, 999_999, tzinfo=UTC)
    statement = FreshnessStatement.for_file(signed.ref, at=at, lifetime=timedelta(seconds=90.5))
    assert statement.iat == NOW
    assert statement.exp == NOW + timedelta(seconds=90)
    assert statement.ref == signed.ref


async def version(authority: KeyHolder, example: Json, number: int, name: str = "a") -> SignedGovernanceFile:
    document = example | {"version": number, "name": name}
    jws = await sign_file(payload_of(document), authority.kid, authority.sign)
    return await verify_file(jws, author=authority.did, resolve_key=authority.resolve_key)


async def test_highest_version_seen_never_goes_back(authority: KeyHolder, example: Json) -> None:
    second = await version(authority, example, 2)
    seen = accept(None, second)
    assert seen == SeenVersion(second.file.id, 2, second.digest)
    assert accept(seen, second) == seen

    third = await version(authority, example, 3)
    assert accept(seen, third).version == 3
    with pytest.raises(RollbackError, match="version 2 or later"):
        accept(seen, await version(authority, example, 1))
    with pytest.raises(RollbackError, match="other bytes"):
        accept(seen, await version(authority, example, 2, name="b"))
    with pytest.raises(RollbackError, match="governance file"):
        accept(replace(seen, id="another"), third)
