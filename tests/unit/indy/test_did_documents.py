"""What a ledger says of a DID, whoever wrote it there; that it is really asked is tested on real nodes (tests/pool)."""

import json
from collections.abc import Callable
from typing import Any, cast

import base58
import pytest
from acapy_agent.core.profile import Profile
from acapy_agent.resolver.base import DIDNotFound, ResolverError
from acapy_agent.resolver.default.indy import IndyDIDResolver
from acapy_agent.resolver.default.key import KeyDIDResolver
from acapy_agent.resolver.did_resolver import DIDResolver
from indy_vdr.request import Request

from wanderbuch.plugins.exchange.connecting.did_documents import read_contact
from wanderbuch.plugins.indy.did_documents import IndyDocuments, take_over
from wanderbuch.plugins.indy.errors import LedgerSilentError, LedgerUnknownError
from wanderbuch.plugins.indy.ledger import IndyLedgers
from wanderbuch.plugins.webvh.foreign_dids import guard_resolvers

KEY = bytes(range(32))
NYM = base58.b58encode(KEY[:16]).decode()
VERKEY = base58.b58encode(KEY).decode()
SHORT = "~" + base58.b58encode(KEY[16:]).decode()
DID = f"did:indy:sovrin:{NYM}"
PROFILE = cast(Profile, None)  # nobody asks it
GET_NYM, GET_ATTRIB = "105", "104"


class Ledger:
    """A ledger that says the same to everybody."""

    name = "sovrin"

    def __init__(self, nym: object, attribute: object = None) -> None:
        self._says = {GET_NYM: nym, GET_ATTRIB: attribute}

    async def read(self, build: Callable[[], Request]) -> dict[str, Any]:
        reply = self._says[json.loads(build().body)["operation"]["type"]]
        if isinstance(reply, Exception):
            raise reply
        return {"data": reply}

    def of(self, namespace: str | None) -> "Ledger":
        if namespace == "elsewhere":
            raise LedgerUnknownError("the Indy ledger elsewhere is not configured")
        return self


def documents(nym: object, attribute: object = None) -> IndyDocuments:
    return IndyDocuments(cast(IndyLedgers, Ledger(nym, attribute)))


def told(**further: Any) -> str:
    return json.dumps({"dest": NYM, "verkey": VERKEY, "role": "101", **further})


def endpoint(address: object, **further: Any) -> str:
    return json.dumps({"endpoint": {"endpoint": address, **further}})


@pytest.mark.parametrize("did", [DID, f"did:sov:{NYM}"])
@pytest.mark.parametrize("verkey", [VERKEY, SHORT], ids=["in full", "the second half"])
async def test_a_document_has_the_key_of_the_ledger_and_the_address_of_the_attribute(did: str, verkey: str) -> None:
    resolver = documents(told(verkey=verkey), endpoint("https://a.example/didcomm"))
    contact = read_contact(did, await resolver.resolve(PROFILE, did))
    assert (contact.keys, contact.endpoint) == ((VERKEY,), "https://a.example/didcomm")


@pytest.mark.parametrize(
    "attribute", [None, "no", "[]", '{"endpoint":"https://a.example"}', endpoint(1), endpoint(None)]
)
async def test_an_attribute_that_is_no_address_is_none(attribute: object) -> None:
    document = await documents(told(), attribute).resolve(PROFILE, DID)
    assert "service" not in document


async def test_content_written_with_the_did_is_added_and_the_old_attribute_is_not_asked_for() -> None:
    key = {"id": f"{DID}#agreement", "type": "X25519KeyAgreementKey2019", "controller": DID, "publicKeyBase58": VERKEY}
    content = {"@context": ["x"], "id": DID, "verificationMethod": [key], "keyAgreement": [f"{DID}#agreement"]}
    document = await documents(told(diddocContent=content), RuntimeError()).resolve(PROFILE, DID)
    assert [method["id"] for method in document["verificationMethod"]] == [f"{DID}#verkey", f"{DID}#agreement"]
    assert document["keyAgreement"] == [f"{DID}#agreement"]
    again = await documents(told(diddocContent=json.dumps(content)), RuntimeError()).resolve(PROFILE, DID)
    assert again == document


@pytest.mark.parametrize(
    "content",
    [
        {"id": f"did:indy:sovrin:{'2' * 22}"},
        {"verificationMethod": [{"id": f"{DID}#verkey", "publicKeyBase58": "x"}]},
        {"verificationMethod": [{"id": "#verkey"}]},
        {"authentication": [{"id": f"{DID}#verkey", "type": "Ed25519VerificationKey2018", "publicKeyBase58": "x"}]},
        {"keyAgreement": [{"id": "#verkey", "type": "X25519KeyAgreementKey2019", "publicKeyBase58": "x"}]},
        {"authentication": "all"},
        ["a list"],
        "no JSON",
        '{"a":1,"a":2}',
    ],
)
async def test_content_that_would_replace_what_the_ledger_says_is_refused(content: object) -> None:
    with pytest.raises(ResolverError) as refused:
        await documents(told(diddocContent=content)).resolve(PROFILE, DID)
    assert not isinstance(refused.value, DIDNotFound)


@pytest.mark.parametrize(
    "nym",
    [
        "no JSON",
        json.dumps([]),
        json.dumps({"verkey": VERKEY}),
        json.dumps({"dest": "2" * 22, "verkey": VERKEY}),
        told(verkey="0OIl"),
        told(verkey=1),
        told(verkey="~" + VERKEY),
        told(verkey=NYM),
    ],
)
async def test_an_improper_answer_is_no_document(nym: object) -> None:
    with pytest.raises(ResolverError, match="expected a proper key and document") as refused:
        await documents(nym).resolve(PROFILE, DID)
    assert not isinstance(refused.value, DIDNotFound)


async def test_not_there_is_told_apart_from_silent() -> None:
    for nym, did in (
        (None, DID),
        (told(verkey=None), DID),
        (told(), f"did:indy:elsewhere:{NYM}"),
        (told(), "did:sov:0"),
    ):
        with pytest.raises(DIDNotFound):
            await documents(nym).resolve(PROFILE, did)
    with pytest.raises(ResolverError) as silent:
        await documents(LedgerSilentError("silent")).resolve(PROFILE, DID)
    assert not isinstance(silent.value, DIDNotFound)
    with pytest.raises(ResolverError):
        await documents(told(), LedgerSilentError("silent")).resolve(PROFILE, DID)


def test_acapys_own_resolver_of_indy_is_asked_no_more() -> None:
    key, ours = KeyDIDResolver(), documents(told())
    for guarded in (False, True):
        resolver = DIDResolver([IndyDIDResolver(), key])
        if guarded:
            guard_resolvers(resolver)
        for _ in range(2):
            take_over(resolver, ours)
        assert resolver.resolvers[0] is ours
        assert len(resolver.resolvers) == 2
