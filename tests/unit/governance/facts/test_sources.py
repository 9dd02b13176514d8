"""Sources: what each format writes is read, and a neighbour that differs in one point is not."""

import pytest

from wanderbuch.governance.facts.anoncreds_ids import CredDefId
from wanderbuch.governance.facts.identifiers import Did, IdentifierError, WebvhDid
from wanderbuch.governance.facts.sources import AnonCredsSource, MdocSource, SdJwtSource, SourceId, W3cSource

CENTRE = WebvhDid.parse("did:webvh:QmExampCentre111111111111111111111111111111111:centre.wanderbuch.test:org")
DIGEST = "zQm" + "1" * 44
NYM = "F72i3Y3Q4i466efjYJYHHM"
INDY = f"did:indy:sovrin:{NYM}"
KEY_ID = "eGFtcGxlLWtleS1pZA"

SOURCES = [
    (f"anoncreds:{CENTRE}/resources/{DIGEST}", AnonCredsSource, CENTRE),
    (f"anoncreds:{INDY}/anoncreds/v0/CLAIM_DEF/12/npdb", AnonCredsSource, INDY),
    (f"anoncreds:did:indy:sovrin:staging:{NYM}/anoncreds/v0/CLAIM_DEF/12/npdb", AnonCredsSource,
     f"did:indy:sovrin:staging:{NYM}"),
    (f"anoncreds:{NYM}:3:CL:12:npdb", AnonCredsSource, f"did:sov:{NYM}"),
    (f"sdjwt:https://example.org/qualification|{CENTRE}", SdJwtSource, CENTRE),
    (f"sdjwt:urn:eu.europa.ec.eudi:diploma:1|x509:{KEY_ID}:dns:centre.example.org", SdJwtSource, None),
    (f"sdjwt:urn:x|x509:{KEY_ID}:uri:https://centre.example.org/issuer", SdJwtSource, None),
    (f"w3c:OpenBadgeCredential|{CENTRE}", W3cSource, CENTRE),
    (f"w3c:EuropeanDigitalCredential|x509:{KEY_ID}:org:VATMT-12345678", W3cSource, None),
    (f"mdoc:org.example.qualification.1|x509:{KEY_ID}", MdocSource, None),
]  # fmt: skip
NO_SOURCES = [
    f"{CENTRE}/resources/{DIGEST}",  # without its format
    f"anoncreds:{CENTRE}/resources/{DIGEST[:-1]}",
    f"anoncreds:{CENTRE}/resources/{DIGEST}#x",
    "anoncreds:did:web:example.org/resources/" + DIGEST,
    f"anoncreds:{INDY}/anoncreds/v0/SCHEMA/npdb/1.0",
    f"anoncreds:{INDY}/anoncreds/v0/CLAIM_DEF/012/npdb",
    f"anoncreds:{INDY}/anoncreds/v0/CLAIM_DEF/12/np db",
    f"anoncreds:{NYM}:2:degree:1.0",
    f"anoncreds:{NYM}:3:CL:12",
    f"sdjwt:{CENTRE}",  # without a type
    f"sdjwt:|{CENTRE}",
    f"sdjwt:a b|{CENTRE}",
    f"sdjwt:a;b|{CENTRE}",
    f"sdjwt:a|b|{CENTRE}",
    f"sdjwt:q|{CENTRE}#key-1",
    "sdjwt:q|x509:short",
    f"sdjwt:q|x509:{KEY_ID}:dns:Centre.example.org",
    f"sdjwt:q|x509:{KEY_ID}:dns:localhost",
    f"sdjwt:q|x509:{KEY_ID}:uri:http://centre.example.org",
    f"sdjwt:q|x509:{KEY_ID}:cn:Centre",
    f"w3c:EuropeanDigitalCredential|x509:{KEY_ID}:org:12345678",
    f"mdoc:org.example.qualification.1|{CENTRE}",  # an mdoc is signed by certificates alone
    "jwt:x|did:web:example.org",
    "sdjwt:" + "q" * 1024 + f"|{CENTRE}",
    "",
    None,
    7,
]


@pytest.mark.parametrize(("text", "kind", "owner"), SOURCES)
def test_reads_a_source_of_each_format(text: str, kind: type[SourceId], owner: str | None) -> None:
    source = SourceId.parse(text)
    assert (type(source), str(source), source.owner) == (kind, text, owner)
    assert not source.is_of_another(Did(owner or CENTRE))
    assert source.is_of_another(Did("did:web:stranger.example.org")) is (owner is not None)


@pytest.mark.parametrize("text", NO_SOURCES)
def test_refuses_what_is_no_source(text: object) -> None:
    with pytest.raises(IdentifierError, match="expected"):
        SourceId.parse(text)


@pytest.mark.parametrize("text", [f"{CENTRE}/resources/{DIGEST}", f"{NYM}:3:CL:12:npdb"])
def test_an_id_of_anoncreds_alone_is_a_source_where_people_write(text: str) -> None:
    with pytest.raises(IdentifierError) as refusal:
        SourceId.parse(text)
    assert refusal.value.hint == "write anoncreds: before the id"
    assert SourceId.written(text) == f"anoncreds:{text}" == SourceId.written(f"anoncreds:{text}")


def test_a_did_that_only_begins_alike_owns_nothing() -> None:
    source = AnonCredsSource.of(CredDefId.of(CENTRE, DIGEST))
    assert not source.is_of_another(CENTRE)
    assert source.is_of_another(Did(CENTRE[:-1]))
    assert source.is_of_another(Did(f"{CENTRE}x"))
    assert SourceId.parse(f"sdjwt:q|{CENTRE}").is_of_another(Did(CENTRE[1:]))


def test_names_what_the_adapter_of_anoncreds_needs() -> None:
    definition = CredDefId.of(CENTRE, DIGEST)
    assert AnonCredsSource.of(definition).definition == definition
    on_ledger = SourceId.parse(f"anoncreds:{NYM}:3:CL:12:npdb")
    assert isinstance(on_ledger, AnonCredsSource)
    assert on_ledger.definition == f"{NYM}:3:CL:12:npdb"


def test_names_type_and_signer_of_the_other_formats() -> None:
    source = SourceId.parse(f"sdjwt:https://example.org/q|x509:{KEY_ID}:dns:centre.example.org")
    assert isinstance(source, SdJwtSource)
    assert (source.type_name, source.party) == ("https://example.org/q", f"x509:{KEY_ID}:dns:centre.example.org")
