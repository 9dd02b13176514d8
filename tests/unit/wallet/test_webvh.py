"""The wallet's did:webvh against that of our agents: each log, DID and resource is taken by both or refused by both."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
from tests.unit.wallet.random_cases import chances
from tests.unit.wallet.wallet_process import WalletProcess, WalletRefusedError
from tests.unit.webvh.foreign_log import ForeignLog, Signer

from wanderbuch.errors import WanderbuchError
from wanderbuch.governance.facts.identifiers import DidUrl, IdentifierError, ResourceId, WebvhDid
from wanderbuch.plugins.webvh.document import DidDocument, make_document
from wanderbuch.plugins.webvh.keys import to_multikey
from wanderbuch.plugins.webvh.log import check_log, names_witnesses
from wanderbuch.plugins.webvh.resources import (
    AttestedResource,
    ResourceType,
    StatusLink,
    sign_resource,
    verify_resource,
)
from wanderbuch.plugins.webvh.version_time import parse_version_time

VECTORS: Final = Path(__file__).parents[2] / "vectors" / "didwebvh"
NOW: Final = datetime(2026, 11, 22, tzinfo=UTC)
AT: Final = int(NOW.timestamp() * 1000)
ANYTHING: Final = (None, 7, -1, True, [], {}, "", "x", "1-x", "2026-01-01", ["x"], {"a": 1}, 1.5, "did:key:z6Mk")

type Json = dict[str, Any]


def b64(data: bytes | None) -> str | None:
    return None if data is None else base64.b64encode(data).decode()


def ours(did: str, log: bytes, witness: bytes | None) -> Json | None:
    try:
        checked = check_log(WebvhDid.parse(did), log, witness, at=NOW)
    except WanderbuchError:
        return None
    document = DidDocument.of(WebvhDid.parse(did), checked.version_id, checked.document, checked.names)
    keys = {url: base64.urlsafe_b64encode(key).decode().rstrip("=") for url, key in document.assertion_keys.items()}
    return {
        "names": list(checked.names),
        "version_ids": list(checked.version_ids.values()),
        "is_deactivated": checked.deactivated,
        "document": dict(checked.document),
        "keys": keys,
    }


def agree(wallet: WalletProcess, did: str, log: bytes, witness: bytes | None = None) -> bool:
    """Check that both do the same with a log; True: they take it."""
    expected = ours(did, log, witness)
    told = {"did": did, "log": b64(log), "witness": b64(witness), "at": AT}
    if expected is None:
        with pytest.raises(WalletRefusedError):
            wallet.call("webvh_log", **told)
        return False
    assert wallet.call("webvh_log", **told) == expected
    return True


def vectors() -> Iterator[tuple[Path, bytes, bytes | None]]:
    for path in sorted(VECTORS.rglob("did.jsonl")):
        witness = path.with_name("did-witness.json")
        yield path, path.read_bytes(), witness.read_bytes() if witness.exists() else None


def names_in(log: bytes) -> list[str]:
    """The names that a log gives its DID; none: it is not even JSON."""
    try:
        ids = [json.loads(line)["state"]["id"] for line in log.splitlines() if line.strip()]
    except ValueError:
        return []
    return list(dict.fromkeys(ids))


def test_logs_of_the_test_suite(wallet: WalletProcess) -> None:
    taken = 0
    for _, log, witness in vectors():
        for did in names_in(log):
            if agree(wallet, did, log, witness):
                taken += 1
                assert wallet.call("names_witnesses", log=b64(log)) == names_witnesses(log)
        if witness is not None and names_in(log):
            agree(wallet, names_in(log)[-1], log, None)
    assert taken > 50


def test_altered_logs(wallet: WalletProcess) -> None:
    chance = chances("logs")
    for _, log, witness in vectors():
        if not names_in(log):
            continue
        did = names_in(log)[-1]
        lines = [json.loads(line) for line in log.splitlines()]
        entry = chance.choice(lines)
        for _ in range(4):
            name = chance.choice(sorted(entry))
            before = entry[name]
            if name in ("parameters", "state") and chance.random() < 0.7 and before:
                inner = chance.choice(sorted(before))
                entry[name] = {**before, inner: chance.choice(ANYTHING)}
            else:
                entry[name] = chance.choice(ANYTHING)
            agree(wallet, did, b"\n".join(json.dumps(line).encode() for line in lines), witness)
            entry[name] = before
        cut = log.splitlines()[: max(1, len(lines) - 1)]
        agree(wallet, did, b"\n".join(cut), witness)
        agree(wallet, did, b"\n".join(reversed(log.splitlines())), witness)


def signed_logs() -> Iterator[tuple[ForeignLog, bytes | None]]:
    """Logs whose hashes and signatures hold, whatever they say."""
    stated = ("updateKeys", "nextKeyHashes", "witness", "watchers", "portable", "deactivated", "ttl", "method", "scid")
    for name in (*stated, "unknown"):
        for value in (None, True, [], {}, "x", ["x"], ..., 3600, "did:webvh:1.0"):
            yield ForeignLog(parameters={name: value}), None
            if value is not ...:
                log = ForeignLog()
                log.add(parameters={name: value})
                yield log, None
    for time in (
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:00Z",
        "20260101T000000Z",
        "2026-13-01T00:00:00Z",
        "now",
        1,
        None,
    ):
        yield ForeignLog(time=time), None
    for later in (
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:00:00.000001Z",
        "2026-11-22T00:05:00Z",
        "2026-11-22T00:05:01Z",
    ):
        log = ForeignLog()
        log.add(later)
        yield log, None
    for how in ({"proofPurpose": "authentication"}, {}):
        log = ForeignLog()
        log.sign_again(**{"purpose": how["proofPurpose"]} if how else {})
        yield log, None
    for following in (True, False):  # keys committed to
        log, then = ForeignLog(), Signer()
        log = ForeignLog(parameters={"nextKeyHashes": [then.hash]})
        key = then if following else log.signer
        log.add(signer=key, parameters={"updateKeys": [key.multikey], "nextKeyHashes": []})
        yield log, None
    log = ForeignLog()
    log.add(signer=Signer())
    yield log, None
    for portable in (True, False):
        log = ForeignLog(parameters={"portable": portable})
        log.move("elsewhere.example.test:org")
        yield log, None
    log = ForeignLog()
    log.add(parameters={"deactivated": True})
    yield log, None
    log.add()
    yield log, None
    first, second = Signer(), Signer()
    rule = {"threshold": 2, "witnesses": [{"id": first.did}, {"id": second.did}]}
    for signers in ((first, second), (first,), (first, first), (first, Signer())):
        log = ForeignLog(parameters={"witness": rule})
        version = {"versionId": log.entries[-1]["versionId"]}
        proofs = [signer.sign(version) for signer in signers]
        yield log, json.dumps([{**version, "proof": proofs}]).encode()
        log.add(parameters={"witness": {}})
        yield log, json.dumps([{**version, "proof": proofs}]).encode()


def test_logs_that_are_signed_whatever_they_say(wallet: WalletProcess) -> None:
    taken = [agree(wallet, log.did, log.received, witness) for log, witness in signed_logs()]
    assert 20 < sum(taken) < len(taken) - 20


def test_dids(wallet: WalletProcess) -> None:
    scid = "Qm" + "a" * 44
    places = [
        *(
            "example.org",
            "example.org:a",
            "example.org:a:b.c:d_e",
            "EXAMPLE.org:A",
            "example.org%3A8443:a",
            "e.xn--p1ai:a",
        ),
        *(
            "example.org%3a0:a",
            "example.org%3A65536",
            "example.org%3A",
            "localhost",
            "a.localhost:x",
            "127.0.0.1",
            "1.2.3.4:a",
        ),
        *(
            "example.org:",
            "example.org::a",
            "example.org:..",
            "example.org:%2e%2e",
            "example.org:a%2Fb",
            "example.org:a%5Cb",
        ),
        *(
            "example.org:a%",
            "example.org:a%zz",
            "example.org:a%20",
            "example.org:%00",
            "example",
            "-a.org",
            "a-.org",
            "a..org",
        ),
        *(
            "example.org:a#b",
            "example.org/a",
            "example.org:a?b",
            "exa mple.org",
            "x" * 64 + ".org",
            "example.org:a%C3%A9",
        ),
        *(
            "4th.ac.ke:a",
            "example.0x1:a",
            "example.org%253A1:a",
            "example.org%3A08:a",
            "example.org:%25",
            "a.b." * 80 + "org",
        ),
    ]
    texts = [f"did:webvh:{scid}:{place}" for place in places]
    texts += [
        "",
        "did:webvh:",
        f"did:webvh:{scid}",
        f"did:webvh:{scid[:-1]}:a.org",
        f"did:web:{scid}:a.org",
        f"did:webvh:{scid}0:a.org",
    ]
    for text in texts:
        try:
            did = WebvhDid.parse(text)
        except IdentifierError:
            with pytest.raises(WalletRefusedError):
                wallet.call("webvh_did", text=text)
            continue
        answer = wallet.call("webvh_did", text=text)
        assert (answer["host"], answer["base"], answer["logUrl"]) == (did.host, did.base_url, did.log_url), text
        assert answer["witnessUrl"] == did.witness_url


def test_times(wallet: WalletProcess) -> None:
    texts = [
        *(
            "2026-01-31T09:30:00Z",
            "2026-01-31t09:30:00z",
            "2026-01-31T09:30:00+00:00",
            "2026-01-31T09:30Z",
            "20260131T0930Z",
        ),
        *(
            "20260131T093000Z",
            "2026-01-31T09:30:00.5Z",
            "2026-01-31T09:30:00,1234567Z",
            "2026-01-31T09:30.5Z",
            "20260131T0930.5Z",
        ),
        *(
            "2026-02-29T00:00:00Z",
            "2024-02-29T00:00:00Z",
            "2026-01-31T24:00:00Z",
            "2026-01-31T09:60:00Z",
            "2026-01-31T09:30:60Z",
        ),
        *(
            "2026-01-31",
            "2026-01-31T09:30:00",
            "2026-01-31T09:30:00+01:00",
            "2026-01-31 09:30:00Z",
            "0000-01-01T00:00:00Z",
        ),
        *(
            "0001-01-01T00:00:00Z",
            "9999-12-31T23:59:59Z",
            "2026-1-31T09:30:00Z",
            "",
            "Z",
            "2026-01-31T09:30:00." + "1" * 31 + "Z",
        ),
        "2026-01-31T093000Z",
    ]
    answers = wallet.call("version_times", texts=texts)
    for text, answer in zip(texts, answers, strict=True):
        try:
            whole, fraction = parse_version_time(text)
        except ValueError:
            assert answer is None, text
        else:
            assert answer == str(int(whole.timestamp()) * 10**30 + fraction), text


async def test_resources(wallet: WalletProcess) -> None:
    log, keys, stranger = ForeignLog(), Signer(), Signer()
    public, other = keys.key.key.get_public_bytes(), stranger.key.key.get_public_bytes()
    document = make_document(log.did, assertion_keys=(public,), didcomm_key=other, didcomm_endpoint=None)
    log.add(state=document)
    content = {"issuerId": str(log.did), "attrNames": ["a", "é"], "name": "qualification", "version": "1.0"}

    def resource(kind: ResourceType, *links: StatusLink, issuer: str = log.did) -> AttestedResource:
        return AttestedResource.of(log.did, kind, "name", {**content, "issuerId": issuer}, links)

    def link(letter: str, timestamp: int, did: WebvhDid = log.did) -> StatusLink:
        return StatusLink(ResourceId.of(did, "zQm" + letter * 44), timestamp)

    async def signed(made: AttestedResource, by: Signer = keys) -> bytes:
        async def sign(message: bytes) -> bytes:
            return bytes(by.key.key.sign_message(message))

        kid = DidUrl.parse(f"{log.did}#{to_multikey(by.key.key.get_public_bytes())}")
        return await sign_resource(made, kid, sign)

    def agree_on(received: bytes, resource_id: ResourceId, kind: ResourceType) -> bool:
        told = {"did": log.did, "log": b64(log.received), "at": AT}
        newest = DidDocument.of(log.did, "2-x", document)
        try:
            taken = verify_resource(received, resource_id=resource_id, kind=kind, document=newest, at=NOW)
        except WanderbuchError:
            with pytest.raises(WalletRefusedError):
                wallet.call("resource", id=resource_id, type=kind.value, resource=b64(received), **told)
            return False
        answer = wallet.call("resource", id=resource_id, type=kind.value, resource=b64(received), **told)
        assert answer == [taken_link.timestamp for taken_link in taken.links]
        return True

    registry, foreign = ResourceType.REV_REG_DEF, WebvhDid.parse(f"did:webvh:Qm{'b' * 44}:a.example.test:org")
    schema = resource(ResourceType.SCHEMA)
    received = await signed(schema)
    assert agree_on(received, schema.id, ResourceType.SCHEMA)
    assert not agree_on(received, schema.id, ResourceType.CRED_DEF)
    assert not agree_on(received, ResourceId.of(log.did, "zQm" + "c" * 44), ResourceType.SCHEMA)
    assert not agree_on(await signed(schema, stranger), schema.id, ResourceType.SCHEMA)  # its key may not assert
    made = resource(registry, link("d", 20), link("c", 10))
    assert agree_on(await signed(made), made.id, registry)
    for links in ((link("c", 10), link("d", 10)), (link("c", 0),), (link("c", 10, foreign),)):
        made = resource(registry, *links)
        assert not agree_on(await signed(made), made.id, registry)
    made = resource(ResourceType.SCHEMA, issuer=foreign)
    assert not agree_on(await signed(made), made.id, ResourceType.SCHEMA)
    chance = chances("bits")
    for name in json.loads(received):
        for value in ANYTHING:
            assert not agree_on(
                json.dumps({**json.loads(received), name: value}).encode(), schema.id, ResourceType.SCHEMA
            )
    for _ in range(60):  # a bit that flips
        broken = bytearray(received)
        broken[chance.randrange(len(broken))] ^= 1 << chance.randrange(7)
        agree_on(bytes(broken), schema.id, ResourceType.SCHEMA)
