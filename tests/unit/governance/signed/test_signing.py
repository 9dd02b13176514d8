import base64
import json
from typing import Any

import pytest
from tests.unit.governance.conftest import EXAMPLE, Json, KeyHolder, payload_of

from wanderbuch.errors import GovernanceError, ResolutionError
from wanderbuch.governance.facts.identifiers import DidUrl
from wanderbuch.governance.form.findings import GovernanceFileError
from wanderbuch.governance.form.parsed import ParsedFile
from wanderbuch.governance.signed.freshness import FRESHNESS_TYP
from wanderbuch.governance.signed.jws import SignatureError, sign_jws, unverified_payload
from wanderbuch.governance.signed.signing import FILE_TYP, MAX_JWS_BYTES, digest_of, sign_file, verify_file


async def signed_example(authority: KeyHolder) -> bytes:
    return await sign_file(EXAMPLE.read_bytes(), authority.kid, authority.sign)


def b64(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


async def with_header(authority: KeyHolder, header: Any, payload: bytes) -> bytes:
    """Return a JWS with any header, validly signed over it."""
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    signing_input = b64(raw) + b"." + b64(payload)
    return signing_input + b"." + b64(await authority.sign(signing_input))


def header_of(authority: KeyHolder, **changes: Any) -> dict[str, Any]:
    return {"alg": "EdDSA", "kid": str(authority.kid), "typ": FILE_TYP} | changes


async def test_accepts_what_the_author_signed(authority: KeyHolder) -> None:
    jws = await signed_example(authority)

    signed = await verify_file(jws, author=authority.did, resolve_key=authority.resolve_key)

    assert signed.jws == jws
    assert signed.digest == digest_of(jws) == signed.ref.digest
    assert (signed.kid, signed.file.author, signed.ref.version) == (authority.kid, authority.did, 1)
    assert unverified_payload(jws) == EXAMPLE.read_bytes()


async def test_payload_is_signed_byte_by_byte(authority: KeyHolder, example: Json) -> None:
    spaced = json.dumps(example, indent=7).encode()
    assert unverified_payload(await sign_file(spaced, authority.kid, authority.sign)) == spaced


async def test_learns_who_signed_where_nobody_is_pinned(authority: KeyHolder) -> None:
    jws = await signed_example(authority)
    signed = await verify_file(jws, author=None, resolve_key=authority.resolve_key)
    assert signed.kid == authority.kid


async def test_refuses_another_author_than_the_pinned_one(authority: KeyHolder, stranger: KeyHolder) -> None:
    jws = await signed_example(authority)
    with pytest.raises(SignatureError, match="found a key of"):
        await verify_file(jws, author=stranger.did, resolve_key=authority.resolve_key)
    assert authority.asked == []  # nobody is asked for a key that could not count


async def test_refuses_a_file_that_names_another_author_than_its_signer(
    authority: KeyHolder, stranger: KeyHolder, example: Json
) -> None:
    forged = await sign_jws(payload_of(example), kid=stranger.kid, typ=FILE_TYP, sign=stranger.sign)
    for author in (None, stranger.did):
        with pytest.raises(SignatureError, match="who signed it"):
            await verify_file(forged, author=author, resolve_key=stranger.resolve_key)


async def test_refuses_another_key_than_the_one_in_the_did_document(authority: KeyHolder, stranger: KeyHolder) -> None:
    jws = await signed_example(authority)
    with pytest.raises(SignatureError, match="does not hold"):
        await verify_file(jws, author=authority.did, resolve_key=stranger.resolve_key)


async def test_refuses_an_altered_payload(authority: KeyHolder, example: Json) -> None:
    header, _, signature = (await signed_example(authority)).split(b".")
    example["version"] = 2
    with pytest.raises(SignatureError, match="does not hold"):
        await verify_file(
            b".".join((header, b64(payload_of(example)), signature)),
            author=authority.did,
            resolve_key=authority.resolve_key,
        )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"alg": "none"}, "alg"),
        ({"alg": "ES256"}, "alg"),
        ({"alg": "Ed25519"}, "alg"),
        ({"alg": "eddsa"}, "alg"),
        ({"alg": ["EdDSA"]}, "alg"),
        ({"typ": FRESHNESS_TYP}, "typ"),
        ({"typ": "JWT"}, "typ"),
        ({"kid": "did:example:authority"}, "DID URL"),
        ({"kid": 7}, "DID URL"),
        ({"crit": ["exp"]}, "exactly"),
        ({"jwk": {"kty": "OKP", "crv": "Ed25519", "x": "AA"}}, "exactly"),
        ({"x5c": ["AA"]}, "exactly"),
        ({"jku": "https://example.test/keys"}, "exactly"),
        ({"b64": False}, "exactly"),
        ({"zip": "DEF"}, "exactly"),
    ],
)
async def test_refuses_a_header_that_is_not_exactly_ours(
    authority: KeyHolder, change: dict[str, Any], words: str
) -> None:
    jws = await with_header(authority, header_of(authority, **change), EXAMPLE.read_bytes())
    with pytest.raises(SignatureError, match=words):
        await verify_file(jws, author=authority.did, resolve_key=authority.resolve_key)
    assert authority.asked == []


@pytest.mark.parametrize("missing", ["alg", "kid", "typ"])
async def test_refuses_a_header_without(authority: KeyHolder, missing: str) -> None:
    header = header_of(authority)
    del header[missing]
    with pytest.raises(SignatureError, match="exactly"):
        await verify_file(await with_header(authority, header, b"{}"), author=None, resolve_key=authority.resolve_key)


async def test_refuses_a_header_that_says_two_things(authority: KeyHolder) -> None:
    twice = json.dumps(header_of(authority)).encode().replace(b"{", b'{"alg": "none", ', 1)
    for header in (twice, b"[]", b"not json", b'"EdDSA"'):
        with pytest.raises(SignatureError, match="header"):
            await verify_file(
                await with_header(authority, header, b"{}"), author=None, resolve_key=authority.resolve_key
            )


async def test_refuses_every_other_form_of_the_same_signature(authority: KeyHolder) -> None:
    jws = await signed_example(authority)
    header, payload, signature = jws.split(b".")
    # The last character of 64 bytes in base64url carries four bits that count for nothing.
    loose = signature[:-1] + (b"B" if signature[-1:] == b"A" else bytes([signature[-1] + 1]))
    others = [
        jws + b"\n",
        jws + b".",
        b" " + jws,
        jws + b"=",
        header + b"." + payload,
        b".".join((header, payload, signature + b"==")),
        b".".join((header, payload, loose)),
        b".".join((header, payload, signature.replace(b"-", b"+").replace(b"_", b"/") + b"+")),
        b".".join((header, payload, b"")),
        b".".join((header, payload, b"\xff\xff")),
        b".".join((header, b"A", signature)),
        b"",
    ]
    for other in others:
        with pytest.raises(SignatureError):
            await verify_file(other, author=authority.did, resolve_key=authority.resolve_key)


async def test_refuses_too_many_bytes_before_looking(authority: KeyHolder) -> None:
    with pytest.raises(SignatureError, match="at most"):
        await verify_file(b"a" * (MAX_JWS_BYTES + 1), author=None, resolve_key=authority.resolve_key)


async def test_could_not_check_is_not_a_refusal(authority: KeyHolder) -> None:
    async def unreachable(url: DidUrl) -> bytes:
        raise ResolutionError(f"could not fetch the document of {url}")

    jws = await signed_example(authority)
    with pytest.raises(ResolutionError):
        await verify_file(jws, author=authority.did, resolve_key=unreachable)


async def test_refuses_a_key_that_is_not_there(authority: KeyHolder) -> None:
    async def rotated_out(url: DidUrl) -> bytes:
        raise GovernanceError(f"{url} does not stand in assertionMethod")

    jws = await signed_example(authority)
    with pytest.raises(GovernanceError, match="assertionMethod"):
        await verify_file(jws, author=authority.did, resolve_key=rotated_out)


async def test_refuses_a_key_of_another_length(authority: KeyHolder) -> None:
    async def short(_: DidUrl) -> bytes:
        return b"k" * 31

    with pytest.raises(SignatureError, match="32"):
        await verify_file(await signed_example(authority), author=None, resolve_key=short)


async def test_looks_at_a_payload_only_after_its_signature(authority: KeyHolder, stranger: KeyHolder) -> None:
    broken = await sign_jws(b'{"version": "1.0"}', kid=authority.kid, typ=FILE_TYP, sign=authority.sign)
    with pytest.raises(SignatureError):
        await verify_file(broken, author=authority.did, resolve_key=stranger.resolve_key)
    with pytest.raises(GovernanceFileError):
        await verify_file(broken, author=authority.did, resolve_key=authority.resolve_key)


async def test_signs_no_file_with_errors(authority: KeyHolder, example: Json) -> None:
    example["version"] = "1.0"
    with pytest.raises(GovernanceFileError) as refused:
        await sign_file(payload_of(example), authority.kid, authority.sign)
    assert refused.value.findings[0].path == "/version"
    assert refused.value.hint is not None


async def test_signs_no_file_of_another_author(stranger: KeyHolder) -> None:
    with pytest.raises(SignatureError, match="expected a key of the author"):
        await sign_file(EXAMPLE.read_bytes(), stranger.kid, stranger.sign)


async def test_refuses_a_signer_that_gives_no_signature(authority: KeyHolder) -> None:
    async def broken(_: bytes) -> bytes:
        return b""

    with pytest.raises(SignatureError, match="64"):
        await sign_file(EXAMPLE.read_bytes(), authority.kid, broken)


def test_shows_no_payload_of_what_is_no_jws() -> None:
    with pytest.raises(SignatureError):
        unverified_payload(b"a.b")


async def test_a_file_that_was_read_before_stands_for_the_very_same_bytes_only(
    authority: KeyHolder, example: Json
) -> None:
    payload = payload_of(example)
    parsed = ParsedFile.read(payload)
    jws = await sign_file(parsed, authority.kid, authority.sign)
    assert jws == await sign_file(payload, authority.kid, authority.sign)
    signed = await verify_file(jws, author=None, resolve_key=authority.resolve_key, parsed=parsed)
    assert signed.file is parsed.file
    other = ParsedFile.read(payload_of(example | {"name": "Another name"}))
    signed = await verify_file(jws, author=None, resolve_key=authority.resolve_key, parsed=other)
    assert signed.file.name == example["name"]
