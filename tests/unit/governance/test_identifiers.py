import doctest
import importlib
import pkgutil

import pytest

import wanderbuch.governance
from wanderbuch.governance.identifiers import (
    CredDefId,
    Did,
    DidUrl,
    IdentifierError,
    ResourceId,
    RevRegDefId,
    SchemaId,
    WebvhDid,
)

SCID = "Qm" + "A" * 44
WEBVH = f"did:webvh:{SCID}:centre.example.test:org"
DIGEST = "zQm" + "B" * 44


def test_a_webvh_did_tells_where_its_files_lie() -> None:
    did = WebvhDid.parse(WEBVH + ":unit")
    assert (did.method, did.scid, did.host, did.path) == ("webvh", SCID, "centre.example.test", ("org", "unit"))
    assert did.base_url == "https://centre.example.test/org/unit"


@pytest.mark.parametrize(
    "text",
    [
        f"did:webvh:{SCID}:centre.example.test",
        f"did:webvh:{SCID}:centre.example.test%3A8443:org",
        f"did:webvh:{SCID}:localhost:org",
        f"did:webvh:{SCID}:my.localhost.test:org",
        f"did:webvh:{SCID}:127.0.0.1:org",
        f"did:webvh:{SCID}:Centre.example.test:org",
        f"did:webvh:{SCID}:centre.example.test:..",
        f"did:webvh:{SCID}:centre.example.test:a%2Fb",
        "did:webvh:Qm0:centre.example.test:org",
        "did:web:centre.example.test:org",
        WEBVH + "#key",
        WEBVH + "\n",
    ],
)
def test_refuses_webvh_dids_that_peers_can_not_read(text: str) -> None:
    with pytest.raises(IdentifierError):
        WebvhDid.parse(text)


@pytest.mark.parametrize("text", [None, 7, "", "did:", "did:x", "did:x:", "did:X:y", "did:x:y z", "did:x:" + "y" * 600])
def test_refuses_what_is_no_did(text: object) -> None:
    with pytest.raises(IdentifierError, match="expected a DID"):
        Did.parse(text)


ONE_SPELLING = [
    WEBVH,
    f"did:webvh:{SCID}:centre.example.test%3A8443:Org",
    "did:web:example.org%3A4430:users:Alice",
    "did:web:example.org:o%20rg",
    "did:x:a:b%7Ec",
    "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK",
]
OTHER_SPELLINGS = [
    WEBVH.replace("did:", "DID:"),
    WEBVH.replace("webvh", "WebVH"),
    WEBVH.replace("centre", "Centre"),
    WEBVH.replace(".test:", ".test.:"),
    WEBVH.replace(".test:", ".test%3A443:"),
    WEBVH.replace(".test:", ".test%3a8443:"),
    WEBVH.replace(":org", ":%6Frg"),
    WEBVH.replace(":org", ":o%72g"),
    WEBVH.replace(":org", "::org"),
    WEBVH.replace("centre", "%63entre"),
    WEBVH + ":",
    WEBVH + "/",
    WEBVH + "?versionId=1",
    WEBVH + "#key-1",
    " " + WEBVH,
    WEBVH + "\n",
    WEBVH.replace("e", "\u0435"),
    "did:web:Example.org",
    "did:web:example.org.",
    "did:web:example.org%3A443",
    "did:x:%41",
    "did:x:%2D",
    "did:x:a%3ab",
]


@pytest.mark.parametrize("text", ONE_SPELLING)
def test_a_did_is_taken_in_its_one_spelling(text: str) -> None:
    assert Did.parse(text) == text


@pytest.mark.parametrize("text", OTHER_SPELLINGS)
def test_a_did_in_another_spelling_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(IdentifierError, match="expected a DID") as refused:
        Did.parse(text)
    assert refused.value.hint
    with pytest.raises(IdentifierError):
        DidUrl.parse(text.removesuffix("#key-1") + "#key-1" if text != WEBVH + "#key-1" else text + "#key-2")


def test_a_did_url_names_a_key_of_a_did() -> None:
    url = DidUrl.parse(WEBVH + "#key-1")
    assert (url.did, url.fragment) == (WEBVH, "key-1")
    for text in (WEBVH, WEBVH + "#", WEBVH + "#a#b", "#key", WEBVH + "?x#key", None, "did:x:" + "y" * 600 + "#k"):
        with pytest.raises(IdentifierError):
            DidUrl.parse(text)


@pytest.mark.parametrize("kind", [ResourceId, SchemaId, CredDefId, RevRegDefId])
def test_a_resource_belongs_to_a_did(kind: type[ResourceId]) -> None:
    found = kind.parse(f"{WEBVH}/resources/{DIGEST}")
    assert (found.did, found.digest) == (WEBVH, DIGEST)
    assert found.url == f"https://centre.example.test/org/resources/{DIGEST}"
    assert kind.of(WebvhDid.parse(WEBVH), DIGEST) == found
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


@pytest.mark.parametrize("name", [each.name for each in pkgutil.iter_modules(wanderbuch.governance.__path__)])
def test_examples_in_docstrings_run(name: str) -> None:
    assert doctest.testmod(importlib.import_module(f"wanderbuch.governance.{name}")).failed == 0
