"""Signed governance files, several signatories, freshness, parts: the wallet takes and refuses what our agents do."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from tests.unit.governance import conftest as governance
from tests.unit.governance.conftest import KeyHolder
from tests.unit.governance.divided_files import Divided, accreditation, divided_evenly, issuer, record
from tests.unit.wallet.wallet_process import WalletProcess, WalletRefusedError

from wanderbuch.governance.deciding.asking_rules import may_ask
from wanderbuch.governance.divided.division import divide, division_of
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.question import GovernanceRef, Purpose
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.form.model import PROFILE_STATEMENTS
from wanderbuch.governance.form.validation import GovernanceFileError, parse_file
from wanderbuch.governance.signed.freshness import FreshnessStatement, sign_freshness
from wanderbuch.governance.signed.jws import sign_jws
from wanderbuch.governance.signed.signing import FILE_TYP, co_sign, digest_of, sign_file

EXAMPLE: Final = json.loads(governance.EXAMPLE.read_bytes())
SIGNATORIES: Final = PROFILE_STATEMENTS + "signatories.json"
NOW: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)

type Json = dict[str, Any]


def holder(name: str) -> KeyHolder:
    return KeyHolder(f"did:webvh:Qm{name.title():1<44}:{name}.wanderbuch.test:org")


AUTHORITY: Final = KeyHolder(EXAMPLE["author"])
EMPLOYERS, WORKERS, STRANGER = holder("emp"), holder("wrk"), holder("stg")
KEYS: Final = {
    str(party.kid): base64.urlsafe_b64encode(party.key.public_key().public_bytes_raw()).decode().rstrip("=")
    for party in (AUTHORITY, EMPLOYERS, WORKERS, STRANGER)
}


def payload(*, threshold: int | None = None, version: int = 1, parties: Any = (AUTHORITY, EMPLOYERS, WORKERS)) -> bytes:
    document = json.loads(json.dumps(EXAMPLE)) | {"version": version}
    document["participants"]["version"] = version
    if threshold is not None:
        named = [{"did": party.did, "name": "a party", "kind": "other"} for party in parties]
        statement = {"threshold": threshold, "parties": named}
        document["participants"]["entries"][SIGNATORIES] = {AUTHORITY.did: statement}
    return json.dumps(document).encode()


async def signed(content: bytes, *others: KeyHolder) -> bytes:
    jws = await sign_file(content, AUTHORITY.kid, AUTHORITY.sign)
    for other in others:
        jws = await co_sign(jws, other.kid, other.sign)
    return jws


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def taken(wallet: WalletProcess, jws: bytes, keys: Json = KEYS, **more: Any) -> Json:
    told = {"file": "signed", "author": AUTHORITY.did, "keys": keys, "jws": b64(jws), **more}
    answer: Json = wallet.call("signed_file", **told)
    assert answer["digest"] == digest_of(jws)
    return answer


def refused(wallet: WalletProcess, jws: bytes, keys: Json = KEYS, **more: Any) -> str:
    with pytest.raises(WalletRefusedError) as refusal:
        taken(wallet, jws, keys, **more)
    return refusal.value.code


async def test_who_must_have_signed(wallet: WalletProcess) -> None:
    alone = await signed(payload())
    assert taken(wallet, alone)["signers"] == [AUTHORITY.did]
    two = payload(threshold=2)
    assert taken(wallet, await signed(two, WORKERS))["signers"] == [AUTHORITY.did, WORKERS.did]
    assert taken(wallet, await signed(two, WORKERS, EMPLOYERS))
    assert refused(wallet, await signed(two)) == "check_failed"
    assert refused(wallet, await signed(two, WORKERS), KEYS | {str(WORKERS.kid): "unreachable"}) == "unreachable"
    assert taken(wallet, await signed(two, WORKERS, EMPLOYERS), KEYS | {str(WORKERS.kid): "unreachable"})
    without = {kid: key for kid, key in KEYS.items() if kid != str(WORKERS.kid)}  # no longer in its document
    assert refused(wallet, await signed(two, WORKERS), without) == "check_failed"
    assert (
        refused(wallet, await signed(two, WORKERS), KEYS | {str(WORKERS.kid): KEYS[str(EMPLOYERS.kid)]})
        == "check_failed"
    )
    # The version before has a word, too
    wallet.call("governance_file", file="before", document=b64(payload(threshold=3)))
    assert refused(wallet, await signed(payload(threshold=2, version=2), WORKERS), previous="before") == "check_failed"
    assert taken(wallet, await signed(payload(threshold=2, version=2), WORKERS, EMPLOYERS), previous="before")


async def test_what_is_not_signed_as_it_must_be(wallet: WalletProcess) -> None:
    content = payload()
    jws = await signed(content)
    header, body, signature = jws.split(b".")
    refused(wallet, jws + b"\n")
    refused(wallet, b".".join((header, body)))
    refused(wallet, b".".join((header, body, signature, b"")))
    refused(wallet, b".".join((header, body, signature[:-4])))
    refused(wallet, b".".join((header, body + b"=", signature)))
    refused(
        wallet, b".".join((header, base64.urlsafe_b64encode(content.replace(b"C72", b"C71")).rstrip(b"="), signature))
    )
    refused(wallet, await sign_jws(content, kid=AUTHORITY.kid, typ="governance-freshness+jws", sign=AUTHORITY.sign))
    refused(wallet, await sign_jws(content, kid=STRANGER.kid, typ=FILE_TYP, sign=STRANGER.sign))
    refused(wallet, await sign_jws(content, kid=AUTHORITY.kid, typ=FILE_TYP, sign=STRANGER.sign))
    refused(wallet, jws, {})
    other = payload().replace(AUTHORITY.did.encode(), STRANGER.did.encode())
    refused(wallet, await sign_jws(other, kid=AUTHORITY.kid, typ=FILE_TYP, sign=AUTHORITY.sign))
    both = json.loads(await signed(payload(threshold=2), WORKERS, EMPLOYERS))
    first, *further = both["signatures"]
    for signatures in ([*further, first], [first, *reversed(further)], [first], [first, further[0], further[0]]):
        refused(wallet, json.dumps({**both, "signatures": signatures}, separators=(",", ":")).encode())
    refused(wallet, json.dumps(both).encode())  # with blanks
    refused(wallet, json.dumps({**both, "more": 1}, separators=(",", ":")).encode())


async def test_freshness(wallet: WalletProcess) -> None:
    jws = await signed(payload())
    ref = GovernanceRef(EXAMPLE["id"], 1, digest_of(jws))

    async def statement(ref: GovernanceRef = ref, by: KeyHolder = AUTHORITY, **when: Any) -> Json:
        made = FreshnessStatement.for_file(
            ref, at=when.get("at", NOW), lifetime=when.get("lifetime", timedelta(hours=1))
        )
        return {"freshness": b64(await sign_freshness(made, by.kid, by.sign)), "at": NOW.isoformat()}

    assert taken(wallet, jws, **await statement())["fresh_until"] == int((NOW + timedelta(hours=1)).timestamp()) * 1000
    for other in (
        GovernanceRef("other", 1, ref.digest),
        GovernanceRef(ref.id, 2, ref.digest),
        GovernanceRef(ref.id, 1, "sha256:" + "0" * 64),
    ):
        assert taken(wallet, jws, **await statement(other))["fresh_until"] is None
    assert taken(wallet, jws)["fresh_until"] is None
    refused(wallet, jws, **await statement(at=NOW + timedelta(minutes=6)))
    refused(wallet, jws, **await statement(by=STRANGER))
    for change in ({"exp": 2**40}, {"iat": "1"}, {"more": 1}, {"version": 0}, {"digest": "x"}):
        claims = {
            "id": ref.id,
            "version": 1,
            "digest": ref.digest,
            "iat": int(NOW.timestamp()),
            "exp": int(NOW.timestamp()) + 60,
        }
        made = json.dumps(claims | change).encode()
        broken = await sign_jws(made, kid=AUTHORITY.kid, typ="governance-freshness+jws", sign=AUTHORITY.sign)
        refused(wallet, jws, freshness=b64(broken), at=NOW.isoformat())


async def test_it_never_goes_back(wallet: WalletProcess) -> None:
    first, second = await signed(payload()), await signed(payload(version=2))
    told: Json = {"author": AUTHORITY.did, "keys": KEYS}
    seen = wallet.call("accept", jws=b64(first), **told)
    assert wallet.call("accept", jws=b64(first), seen=seen, **told) == seen
    newer = wallet.call("accept", jws=b64(second), seen=seen, **told)
    assert newer["version"] == 2
    for jws, before in ((first, newer), (second, newer | {"digest": "sha256:0"}), (second, newer | {"id": "other"})):
        with pytest.raises(WalletRefusedError):
            wallet.call("accept", jws=b64(jws), seen=before, **told)


RECORDS = [record(number, accreditation(number, status=[])) for number in range(12)]


def first_form() -> Divided:
    divided = Divided(*divide({**EXAMPLE}, 3))
    divided.put(*RECORDS)
    return divided


@pytest.mark.parametrize(
    "divided", [first_form(), divided_evenly({**EXAMPLE}, *RECORDS, parts=3)], ids=["a part for each", "even parts"]
)
async def test_a_divided_file_in_parts(wallet: WalletProcess, divided: Divided) -> None:
    jws = await signed(json.dumps(divided.root).encode())
    division = division_of(divided.root)
    evidence = {
        "credential_type": "qualification/1.0",
        "occupation": "C7212",
        "proven_eqf_level": 3,
        "framework": "LK-NVQ",
        "crosswalk_version": "example-nvq-eqf-1",
        "awarded": {"first": "2024-01-01", "last": "2024-12-31"},
        "expires_on": None,
        "status": None,
        "binding": "link-secret",
    }
    requirement = {"occupation": "C7212", "jurisdiction": "MLT", "min_eqf_level": 3, "not_revoked": False}
    for number in range(12):
        own = division.number_of(issuer(number))
        another = (own + 1) % len(division.parts)
        for read, verdict in (([own], "TRUSTED"), ([another], "UNKNOWN"), ([], "UNKNOWN")):
            parts = [[part_name, b64(divided.parts[division.parts[part_name].digest])] for part_name in read]
            taken(wallet, jws, parts=parts)
            shown = evidence | {"issuer": issuer(number), "source": accreditation(number)["sources"][0]}
            snapshot = {"file": "signed", "until": "2026-12-31T00:00:00Z"}
            answer = wallet.call(
                "decide", requirement=requirement, evidence=shown, snapshot=snapshot, at=NOW.isoformat()
            )
            assert answer["verdict"] == verdict, answer
    part = divided.parts[division.parts[0].digest]
    refused(wallet, jws, parts=[[1, b64(part)]])
    refused(wallet, jws, parts=[[0, b64(part + b" ")]])


@pytest.mark.parametrize(
    ("changed", "right"),
    [
        pytest.param({}, True, id="as it is"),
        pytest.param({"buckets": 0}, False, id="none"),
        pytest.param({"buckets": -1}, False, id="fewer than none"),
        pytest.param({"buckets": 1.5}, False, id="half a bucket"),
        pytest.param({"buckets": 31}, False, id="too many"),
        pytest.param({"buckets": None}, False, id="not said"),
        pytest.param({"digest": "sha256:" + "0" * 64}, False, id="both forms"),
        pytest.param({"sha256": "A" * 43}, True, id="another part"),
        pytest.param({"sha256": "A" * 42 + "B"}, False, id="bits left over"),
        pytest.param({"sha256": "A" * 43 + "="}, False, id="padded"),
        pytest.param({"sha256": "A" * 42}, False, id="too short"),
        pytest.param({"sha256": "+" * 42 + "A"}, False, id="other digits"),
        pytest.param({"bytes": 1}, False, id="no list"),
    ],
)
async def test_a_division_is_read_or_refused_as_agents_do(wallet: WalletProcess, changed: Json, right: bool) -> None:
    divided = divided_evenly({**EXAMPLE}, *RECORDS, parts=3)
    divided.stated()["parts"][1].update(changed)
    root = json.dumps(divided.root).encode()
    jws = await sign_jws(root, kid=AUTHORITY.kid, typ=FILE_TYP, sign=AUTHORITY.sign)
    if right:
        parse_file(root)
        taken(wallet, jws)
    else:
        with pytest.raises(GovernanceFileError):
            parse_file(root)
        assert refused(wallet, jws) == "malformed"


async def test_one_fetch_for_all_who_ask_and_none_goes_back(wallet: WalletProcess) -> None:
    now = datetime.now(UTC)
    parts, versions = {}, []
    for version in (1, 2):
        divided = Divided(*divide({**EXAMPLE, "version": version}, 3))
        divided.put(*(record(number, accreditation(number, status=[])) for number in range(2)))
        jws = await signed(json.dumps(divided.root).encode())
        made = FreshnessStatement.for_file(
            GovernanceRef(EXAMPLE["id"], version, digest_of(jws)), at=now, lifetime=timedelta(hours=1)
        )
        freshness = await sign_freshness(made, AUTHORITY.kid, AUTHORITY.sign)
        versions.append({"current.jws": b64(jws), "freshness.jws": b64(freshness)})
        parts |= {f"parts/{digest.removeprefix('sha256:')}.json": b64(part) for digest, part in divided.parts.items()}
    dids = [issuer(number) for number in range(2)]
    division = division_of(divided.root)
    wanted = {f"parts/{division.parts[division.number_of(did)].digest.removeprefix('sha256:')}.json" for did in dids}
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": KEYS[str(AUTHORITY.kid)]}
    method = {"id": str(AUTHORITY.kid), "type": "JsonWebKey2020", "controller": AUTHORITY.did, "publicKeyJwk": jwk}
    document = {"id": AUTHORITY.did, "assertionMethod": [method]}
    told: Json = {"author": AUTHORITY.did, "document": document, "versions": versions, "parts": parts, "dids": dids}
    assert wallet.call("follow", **told) == {
        "together": [[1], sorted(["current.jws", "freshness.jws", *wanted])],
        "again": [[1], []],
        "anew": [[1], 2, [1]],  # remembered once
        "kept": [[1], ["current.jws", "freshness.jws"]],
        "altered": [[1], 3],
        "lacking": [["unreachable", 1], ["unreachable", 1], ["unreachable", 2]],
        "newer": [2],
        "older": "check_failed",
        "remembered": [2],
        "away": ["unreachable", "unreachable", 2],
        "kept_away": [[2], [2], 0, [2], 2, [2], 0],
        "at_once": [2],
    }


@pytest.mark.parametrize(
    ("purposes", "verdict"),
    [(["employment", "study"], "UNKNOWN"), ([purpose.value for purpose in Purpose], "TRUSTED")],
)
def test_who_states_no_purpose_is_trusted_with_what_it_may_ask_for_all(
    wallet: WalletProcess, purposes: list[str], verdict: str
) -> None:
    document = json.loads(json.dumps(EXAMPLE))
    listed = document["participants"]["entries"][PROFILE_STATEMENTS + "verification.json"]
    (verifier, entry), *_ = listed.items()
    statement = entry["verifications"][0] | {"purposes": purposes}
    entry["verifications"] = [statement]
    wallet.call("governance_file", file="purposes", document=b64(json.dumps(document).encode()))
    snapshot = {"file": "purposes", "until": (datetime.now(UTC) + timedelta(hours=1)).isoformat()}
    told: Json = {"snapshot": snapshot, "asker": verifier, "types": [statement["credential_type"]]}
    shown = sorted(statement["attributes"])

    def judged(purpose: str | None, shown: list[str]) -> list[str]:
        answer: list[str] = wallet.call("judge_asker", **told, asked={"shown": shown, "proven": [], "purpose": purpose})
        return answer

    assert judged(None, shown) == [verdict, "verifier.may_ask" if verdict == "TRUSTED" else "verifier.no_purpose"]
    assert judged("employment", shown) == ["TRUSTED", "verifier.may_ask"]
    assert judged(None, [*shown, "birth_date"]) == ["NOT_TRUSTED", "verification.attributes"]


def test_who_may_ask(wallet: WalletProcess) -> None:
    wallet.call("governance_file", file="example", document=b64(governance.EXAMPLE.read_bytes()))
    file = parse_file(governance.EXAMPLE.read_bytes())
    (verifier, statements), *_ = (file._by_did[1]).items()
    (statement, *_) = statements
    attributes = sorted(statement.attributes)
    snapshots = [
        (
            GovernanceSnapshot(file, "sha256:" + "0" * 64, NOW + timedelta(hours=hours)),
            (NOW + timedelta(hours=hours)).isoformat(),
        )
        for hours in (1, -1)
    ]
    codes = set()
    for who in (verifier, Did.parse(STRANGER.did)):
        for snapshot, until in snapshots:
            for kind in (statement.credential_type, "language/1.0"):
                for purpose in Purpose:
                    for revealed in ((), attributes[:2], attributes, [*attributes, "family_name", "x"]):
                        for predicates in ((), ("eqf_level",), ("x",), attributes[:1]):
                            decision = may_ask(
                                snapshot,
                                verifier=who,
                                credential_type=kind,
                                revealed=revealed,
                                predicates=predicates,
                                purpose=purpose,
                                at=NOW,
                            )
                            asked = {
                                "verifier": who,
                                "credentialType": kind,
                                "revealed": list(revealed),
                                "predicates": list(predicates),
                                "purpose": purpose.value,
                            }
                            told = {"file": "example", "until": until}
                            answer = wallet.call("may_ask", snapshot=told, asked=asked, at=NOW.isoformat())
                            assert answer == [decision.verdict.value, decision.reasons[0].code], asked
                            codes.add(decision.reasons[0].code)
    assert wallet.call("may_ask", snapshot=None, asked=asked, at=NOW.isoformat()) == ["UNKNOWN", "governance.missing"]
    assert {"verifier.may_ask", "governance.stale", "verifier.not_listed", "verification.purpose"} <= codes
