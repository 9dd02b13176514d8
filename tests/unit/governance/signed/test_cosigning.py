"""Files that several parties sign: how many are needed, and who cannot cheat."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from tests.unit.governance.conftest import Json, KeyHolder, payload_of

from wanderbuch.errors import GovernanceError, ResolutionError
from wanderbuch.governance.facts.file import GovernanceFile
from wanderbuch.governance.facts.identifiers import DidUrl
from wanderbuch.governance.form.model import PROFILE_STATEMENTS
from wanderbuch.governance.form.validation import parse_file
from wanderbuch.governance.signed.jws import MAX_SIGNATURES, SignatureError, read_jws, sign_jws, unverified_payload
from wanderbuch.governance.signed.signing import (
    FILE_TYP,
    SignedGovernanceFile,
    ThresholdError,
    co_sign,
    combine,
    missing_parties,
    sign_as_party,
    sign_file,
    verify_file,
)

SIGNATORIES = PROFILE_STATEMENTS + "signatories.json"


def holder(name: str) -> KeyHolder:
    return KeyHolder(f"did:webvh:Qm{name.title():1<44}:{name}.wanderbuch.test:org".replace("0", "1"))


class Table:
    """An authority, its employers and its workers, who sign together."""

    def __init__(self, authority: KeyHolder, example: Json) -> None:
        self.authority, self.example = authority, example
        self.employers, self.workers = holder("employers"), holder("workers")
        self.stranger = holder("stranger")
        everybody = (authority, self.employers, self.workers, self.stranger)
        self.keys: dict[DidUrl, KeyHolder] = {key_holder.kid: key_holder for key_holder in everybody}
        self.unreachable: set[DidUrl] = set()

    def payload(self, *, threshold: int = 2, parties: Sequence[KeyHolder] | None = None, version: int = 1) -> bytes:
        named = (self.authority, self.employers, self.workers) if parties is None else parties
        document: Json = json.loads(json.dumps(self.example)) | {"version": version}
        document["participants"]["version"] = version
        if named:
            document["participants"]["entries"][SIGNATORIES] = {
                self.authority.did: {
                    "threshold": threshold,
                    "parties": [
                        {"did": key_holder.did, "name": key_holder.kid.did, "kind": "other"} for key_holder in named
                    ],
                }
            }
        return payload_of(document)

    async def signed(self, payload: bytes, *others: KeyHolder) -> bytes:
        jws = await sign_file(payload, self.authority.kid, self.authority.sign)
        for other in others:
            jws = await co_sign(jws, other.kid, other.sign)
        return jws

    async def resolve_key(self, url: DidUrl) -> bytes:
        if url in self.unreachable:
            raise ResolutionError(f"could not fetch the document of {url}")
        if url not in self.keys:
            raise GovernanceError(f"{url} does not stand in assertionMethod")
        return await self.keys[url].resolve_key(url)

    async def verify(self, jws: bytes, previous: GovernanceFile | None = None) -> SignedGovernanceFile:
        return await verify_file(jws, author=self.authority.did, resolve_key=self.resolve_key, previous=previous)


@pytest.fixture
def table(authority: KeyHolder, example: Json) -> Table:
    return Table(authority, example)


async def test_accepts_what_enough_parties_signed(table: Table) -> None:
    payload = table.payload(threshold=2)
    signed = await table.verify(await table.signed(payload, table.workers))
    assert signed.signers == (table.authority.did, table.workers.did)
    assert signed.kid == table.authority.kid
    assert unverified_payload(signed.jws) == payload


async def test_refuses_what_the_author_alone_signed(table: Table) -> None:
    with pytest.raises(ThresholdError) as refused:
        await table.verify(await table.signed(table.payload(threshold=2)))
    assert table.employers.did in (refused.value.hint or "")


async def test_refuses_what_the_parties_signed_without_the_author(table: Table) -> None:
    payload = table.payload(threshold=2)
    parts = [await sign_as_party(payload, employer.kid, employer.sign) for employer in (table.employers, table.workers)]
    with pytest.raises(SignatureError, match="author"):
        combine(parts)
    with pytest.raises(SignatureError, match="found a key of"):
        await table.verify(parts[0])


async def test_the_order_of_signing_does_not_show(table: Table) -> None:
    payload = table.payload(threshold=3)
    party_first = [
        await sign_as_party(payload, worker.kid, worker.sign)
        for worker in (table.workers, table.authority, table.employers)
    ]
    assert combine(party_first) == await table.signed(payload, table.employers, table.workers)
    assert len((await table.verify(combine(party_first))).signers) == 3


async def test_two_keys_of_one_party_count_once(table: Table) -> None:
    second = DidUrl.parse(f"{table.authority.did}#key-2")
    table.keys[second] = table.authority
    payload = table.payload(threshold=2)
    jws = await co_sign(await table.signed(payload), second, table.authority.sign)
    with pytest.raises(ThresholdError):
        await table.verify(jws)
    assert len((await table.verify(await co_sign(jws, table.workers.kid, table.workers.sign))).signers) == 2


async def test_one_signature_twice_is_one_signature(table: Table) -> None:
    jws = await table.signed(table.payload(threshold=2), table.workers, table.workers)
    document = json.loads(jws)
    assert len(document["signatures"]) == 2
    document["signatures"].append(document["signatures"][1])
    with pytest.raises(SignatureError, match="once"):
        await table.verify(compact(document))


async def test_a_key_that_its_party_no_longer_has_does_not_count(table: Table) -> None:
    old = DidUrl.parse(f"{table.workers.did}#old")
    jws = await co_sign(await table.signed(table.payload(threshold=2)), old, table.workers.sign)
    with pytest.raises(ThresholdError):
        await table.verify(jws)
    table.keys[old] = table.workers
    assert len((await table.verify(jws)).signers) == 2


async def test_could_not_check_is_not_a_refusal(table: Table) -> None:
    jws = await table.signed(table.payload(threshold=2), table.workers)
    table.unreachable = {table.workers.kid}
    with pytest.raises(ResolutionError, match="could not be checked"):
        await table.verify(jws)
    more = await co_sign(jws, table.employers.kid, table.employers.sign)
    assert (await table.verify(more)).signers == (table.authority.did, table.employers.did)


async def test_a_new_version_cannot_lower_the_bar_by_itself(table: Table) -> None:
    before = parse_file(table.payload(threshold=3))
    lowered = table.payload(threshold=1, version=2)
    without = table.payload(parties=(), version=2)
    for payload in (lowered, without):
        alone = await table.signed(payload)
        assert (await table.verify(alone)).file.version == 2  # to whom it is the first version
        with pytest.raises(ThresholdError):
            await table.verify(alone, before)
    everybody = [
        await sign_as_party(without, key_holder.kid, key_holder.sign, previous=before)
        for key_holder in (table.authority, table.employers, table.workers)
    ]
    assert (await table.verify(combine(everybody), before)).file.signatories is None


async def test_new_parties_need_the_old_ones(table: Table) -> None:
    before = parse_file(table.payload(threshold=2, parties=(table.authority, table.workers)))
    payload = table.payload(threshold=2, parties=(table.authority, table.employers), version=2)
    jws = await table.signed(payload, table.employers)
    with pytest.raises(ThresholdError):
        await table.verify(jws, before)
    jws = await co_sign(jws, table.workers.kid, table.workers.sign, previous=before)
    assert len((await table.verify(jws, before)).signers) == 3
    assert missing_parties([table.authority.did], parse_file(payload), before) == (
        table.employers.did,
        table.workers.did,
    )


async def test_a_stranger_neither_signs_nor_is_carried_along(table: Table) -> None:
    payload = table.payload(threshold=2)
    with pytest.raises(SignatureError, match="party"):
        await co_sign(await table.signed(payload), table.stranger.kid, table.stranger.sign)
    forged = await sign_jws(payload, kid=table.stranger.kid, typ=FILE_TYP, sign=table.stranger.sign)
    with pytest.raises(SignatureError, match="parties to the file"):
        await table.verify(combine([await table.signed(payload, table.workers), forged]))
    assert table.stranger.asked == []  # nobody fetches what a stranger names


async def test_refuses_signatures_over_different_payloads(table: Table) -> None:
    first, second = table.payload(threshold=2), table.payload(threshold=2, version=2)
    other = await sign_as_party(second, table.workers.kid, table.workers.sign)
    with pytest.raises(SignatureError, match="one text"):
        combine([await table.signed(first), other])
    header, _, signature = other.split(b".")
    document = json.loads(await table.signed(first, table.workers))
    document["signatures"][1] = {"protected": header.decode(), "signature": signature.decode()}
    with pytest.raises(SignatureError, match="does not hold"):
        await table.verify(compact(document))


async def test_refuses_every_other_form_of_the_same_signatures(table: Table) -> None:
    jws = await table.signed(table.payload(threshold=2), table.employers, table.workers)
    document = json.loads(jws)
    first, second, third = document["signatures"]
    alone, more = {"payload": document["payload"], "signatures": [first]}, dict(document, header={"kid": "x"})
    others: list[Any] = [
        alone,  # one signature stays compact
        more,
        dict(document, signatures=[first, third, second]),
        dict(document, signatures=[second, first, third]),
        dict(document, signatures=[first, dict(second, header={"alg": "none"}), third]),
        dict(document, signatures=[first, {"signature": second["signature"], "header": {"alg": "EdDSA"}}]),
        dict(document, signatures=[]),
        dict(document, signatures=[first["protected"]]),
        dict(document, signatures={"0": first}),
        dict(document, payload=document["payload"] + "="),
        dict(document, payload=7),
        {"payload": document["payload"], **first},
        {"signatures": document["signatures"]},
    ]
    assert compact(document) == jws
    for other in others:
        with pytest.raises(SignatureError):
            await table.verify(compact(other))
    for text in (
        json.dumps(document).encode(),
        jws + b"\n",
        jws.replace(b'"payload"', b'"pay\\u006coad"'),
        b"{",
        b"{}",
    ):
        with pytest.raises(SignatureError):
            await table.verify(text)


async def test_refuses_a_mix_of_types(table: Table) -> None:
    payload = table.payload(threshold=2)
    other = await sign_jws(payload, kid=table.workers.kid, typ="governance-freshness+jws", sign=table.workers.sign)
    header, _, signature = other.split(b".")
    document = json.loads(await table.signed(payload, table.workers))
    document["signatures"][1] = {"protected": header.decode(), "signature": signature.decode()}
    with pytest.raises(SignatureError, match="typ"):
        await table.verify(compact(document))


async def test_refuses_too_many_signatures(table: Table) -> None:
    jws = await table.signed(table.payload(threshold=1))
    kids = [DidUrl.parse(f"{table.workers.did}#key-{number:02}") for number in range(MAX_SIGNATURES)]
    parts = [await sign_as_party(table.payload(threshold=1), kid, table.workers.sign) for kid in kids]
    with pytest.raises(SignatureError, match="at most"):
        combine([jws, *parts])
    assert combine([jws, *parts[1:]]).count(b'"protected"') == MAX_SIGNATURES


def compact(document: Any) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def test_too_many_signatures_are_refused_before_any_is_looked_at() -> None:
    signature = b'{"protected":"!","signature":"!"}'
    received = b'{"payload":"e30","signatures":[' + b",".join([signature] * 33) + b"]}"
    with pytest.raises(SignatureError, match="expected 2 to 32 signatures, found 33"):
        read_jws(received, typ=FILE_TYP, max_bytes=10_000)
