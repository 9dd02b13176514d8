import doctest
import importlib
import pkgutil

import pytest

import wanderbuch.governance
from wanderbuch.governance.facts.anoncreds_ids import AnonCredsId, CredDefId, RevRegDefId, SchemaId
from wanderbuch.governance.facts.identifiers import Did, DidUrl, IdentifierError, ResourceId, WebvhDid

SCID = "Qm" + "A" * 44
WEBVH = f"did:webvh:{SCID}:centre.example.test:org"
DIGEST = "zQm" + "B" * 44


def test_a_webvh_did_tells_where_its_files_lie() -> None:
    did = WebvhDid.parse(WEBVH + ":unit")
    assert (did.method, did.scid, did.host, did.path) == ("webvh", SCID, "centre.example.test", ("org", "unit"))
    assert did.base_url == "https://centre.example.test/org/unit"


@pytest.mark.parametrize(
    ("place", "log"),
    [
        ("4th.ac.ke:org", "https://4th.ac.ke/org/did.jsonl"),
        ("x.org", "https://x.org/.well-known/did.jsonl"),
        ("1.2.example:a", "https://1.2.example/a/did.jsonl"),
        ("centre.example.test%3A8443:org", "https://centre.example.test:8443/org/did.jsonl"),
        ("centre.example.test%3a8443", "https://centre.example.test:8443/.well-known/did.jsonl"),
        ("Centre.Example.test:Org", "https://centre.example.test/Org/did.jsonl"),
        ("xn--fsq.jp:a", "https://xn--fsq.jp/a/did.jsonl"),
        # the example of the specification
        (
            "jp%E7%B4%8D%E8%B1%86.%E4%BE%8B.jp:%E7%94%A8%E6%88%B7",
            "https://xn--jp-cd2fp15c.xn--fsq.jp/%E7%94%A8%E6%88%B7/did.jsonl",
        ),
        ("a.b:x%20y:a%40b", "https://a.b/x%20y/a%40b/did.jsonl"),
        ("a.b:...", "https://a.b/.../did.jsonl"),
    ],
)
def test_a_legal_webvh_did_leads_to_its_log(place: str, log: str) -> None:
    assert WebvhDid.parse(f"did:webvh:{SCID}:{place}").log_url == log


@pytest.mark.parametrize(
    "text",
    [
        f"did:webvh:{SCID}",
        f"did:webvh:{SCID}:",
        f"did:webvh:{SCID}:centre.example.test:",
        f"did:webvh:{SCID}:centre.example.test::org",
        f"did:webvh:{SCID}:centre:org",
        f"did:webvh:{SCID}:localhost:org",
        f"did:webvh:{SCID}:my.localhost:org",
        f"did:webvh:{SCID}:127.0.0.1:org",
        f"did:webvh:{SCID}:127%2E0%2E0%2E1:org",
        f"did:webvh:{SCID}:127.0.0.1%3a8080",
        f"did:webvh:{SCID}:centre.0x7f:org",
        f"did:webvh:{SCID}:%EF%BC%91%EF%BC%92%EF%BC%97.0.0.1:org",  # full-width digits
        f"did:webvh:{SCID}:-centre.example.test:org",
        f"did:webvh:{SCID}:centre_.example.test:org",
        f"did:webvh:{SCID}:centre..test:org",
        f"did:webvh:{SCID}:{'a' * 64}.test:org",
        f"did:webvh:{SCID}:{'a.' * 127}test:org",
        f"did:webvh:{SCID}:centre.test%3A0:org",
        f"did:webvh:{SCID}:centre.test%3A65536:org",
        f"did:webvh:{SCID}:centre.test%3A1%3A2:org",
        f"did:webvh:{SCID}:centre.test%3A:org",
        f"did:webvh:{SCID}:centre.test%2Fa:org",
        f"did:webvh:{SCID}:centre.test%23a:org",
        f"did:webvh:{SCID}:user%40centre.test:org",
        f"did:webvh:{SCID}:centre.test%253A80:org",
        f"did:webvh:{SCID}:centre.example.test:.",
        f"did:webvh:{SCID}:centre.example.test:..",
        f"did:webvh:{SCID}:centre.example.test:%2e%2E:x",
        f"did:webvh:{SCID}:centre.example.test:a%2Fb",
        f"did:webvh:{SCID}:centre.example.test:a%5Cb",
        f"did:webvh:{SCID}:centre.example.test:a%00",
        f"did:webvh:{SCID}:centre.example.test:a%0Ab",
        f"did:webvh:{SCID}:centre.example.test:%20a",
        f"did:webvh:{SCID}:centre.example.test:a%C2%A0",
        f"did:webvh:{SCID}:centre.example.test:%FF",
        f"did:webvh:{SCID}:centre.example.test:%zz",
        f"did:webvh:{SCID}:centre.example.test:a/b",
        f"did:webvh:{SCID}:centre.example.test:a?b",
        "did:webvh:Qm0:centre.example.test:org",
        "did:web:centre.example.test:org",
        WEBVH + "#key",
        WEBVH + "\n",
    ],
)
def test_refuses_webvh_dids_that_lead_nowhere_safe(text: str) -> None:
    with pytest.raises(IdentifierError):
        WebvhDid.parse(text)


@pytest.mark.parametrize("text", [None, 7, "", "did:", "did:x", "did:x:", "did:X:y", "did:x:y z", "did:x:" + "y" * 600])
def test_refuses_what_is_no_did(text: object) -> None:
    with pytest.raises(IdentifierError, match="expected a DID"):
        Did.parse(text)


USUAL = [
    WEBVH,
    f"did:webvh:{SCID}:centre.example.test%3A8443:Org",
    f"did:webvh:{SCID}:jp%E7%B4%8D%E8%B1%86.%E4%BE%8B.jp:%E7%94%A8%E6%88%B7",  # the example of the specification
    "did:web:example.org%3A4430:users:Alice",
    "did:web:example.org:o%20rg",
    "did:x:a:b%7Ec",
    "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK",
]
UNUSUAL = [
    WEBVH.replace("centre", "Centre"),
    WEBVH.replace(".test:", ".test.:"),
    WEBVH.replace(".test:", ".test%3A443:"),
    WEBVH.replace(".test:", ".test%3a8443:"),
    WEBVH.replace(":org", ":%6Frg"),
    WEBVH.replace(":org", ":o%72g"),
    WEBVH.replace(":org", "::org"),
    WEBVH.replace("centre", "%63entre"),
    "did:web:Example.org",
    "did:web:example.org.",
    "did:web:example.org%3A443",
    "did:x:%41",
    "did:x:%2D",
    "did:x:a%3ab",
]
NO_DID = [
    WEBVH.replace("did:", "DID:"),
    WEBVH.replace("webvh", "WebVH"),
    WEBVH + ":",
    WEBVH + "/",
    WEBVH + "?versionId=1",
    WEBVH + "#key-1",
    " " + WEBVH,
    WEBVH + "\n",
    WEBVH.replace("e", "\u0435"),
]


@pytest.mark.parametrize("text", USUAL)
def test_a_did_has_a_usual_spelling(text: str) -> None:
    assert Did.parse(text).is_in_usual_spelling


@pytest.mark.parametrize("text", UNUSUAL)
def test_another_spelling_is_a_did_and_an_unusual_one(text: str) -> None:
    assert not Did.parse(text).is_in_usual_spelling


@pytest.mark.parametrize("text", NO_DID)
def test_what_is_nearly_a_did_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(IdentifierError, match="expected a DID") as refused:
        Did.parse(text)
    assert refused.value.hint


def test_a_did_url_names_a_key_of_a_did() -> None:
    url = DidUrl.parse(WEBVH + "#key-1")
    assert (url.did, url.fragment) == (WEBVH, "key-1")
    for text in (WEBVH, WEBVH + "#", WEBVH + "#a#b", "#key", WEBVH + "?x#key", None, "did:x:" + "y" * 600 + "#k"):
        with pytest.raises(IdentifierError):
            DidUrl.parse(text)


@pytest.mark.parametrize("kind", [ResourceId, SchemaId, CredDefId, RevRegDefId])
def test_a_resource_belongs_to_a_did(kind: type[ResourceId] | type[AnonCredsId]) -> None:
    parsed = kind.parse(f"{WEBVH}/resources/{DIGEST}")
    resource = parsed if isinstance(parsed, ResourceId) else parsed.resource
    assert (parsed.did, resource.digest) == (WEBVH, DIGEST)
    assert resource.url == f"https://centre.example.test/org/resources/{DIGEST}"
    assert kind.of(WebvhDid.parse(WEBVH), DIGEST) == parsed
    for text in (
        WEBVH,
        f"{WEBVH}/resources/",
        f"{WEBVH}/resources/zQm1",
        f"did:x:y/resources/{DIGEST}",
        None,
        "x" * 600,
    ):
        with pytest.raises(IdentifierError):
            kind.parse(text)


@pytest.mark.parametrize("name", [module.name for module in pkgutil.iter_modules(wanderbuch.governance.__path__)])
def test_examples_in_docstrings_run(name: str) -> None:
    assert doctest.testmod(importlib.import_module(f"wanderbuch.governance.{name}")).failed == 0
