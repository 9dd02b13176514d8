"""DIDs and the identifiers of attested resources, parsed once at the edge; those of AnonCreds objects: `anoncreds_ids`.

Sources: DID Core §3.1; did:webvh 1.0; DID Attested Resources 0.1.

Each type is a `str`, so it travels through JSON and ACA-Py unchanged, but only `parse` makes one from outside text.
Nothing else in the code takes such an identifier apart.
"""

import re
from collections.abc import Callable
from typing import Any, Self
from urllib.parse import quote

import idna
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from wanderbuch.errors import WanderbuchError
from wanderbuch.governance.facts.webvh_place import HOST_PATTERN, PlaceError, WebvhPlace, read_place

# DID Core §3.1: method-specific-id of idchar, ":" and percent-encoded octets.
_DID = re.compile(r"did:[a-z0-9]+:[A-Za-z0-9._:-]*(?:%[0-9A-Fa-f]{2}[A-Za-z0-9._:-]*)*(?<!:)")
# The same in the spelling that nearly all have (RFC 3986 §6.2.2): what needs no percent-encoding has none, its digits
# are capitals; hosts are in small letters, without a dot at the end and without the port of https.
_ENCODED = r"%(?!3[0-9]|[46][1-9A-F]|[57][0-9A]|2[DE]|5F)[0-9A-F]{2}"
_CHARS = rf"[A-Za-z0-9._-]*+(?:{_ENCODED}[A-Za-z0-9._-]*+)*+"
_HOST = rf"[a-z0-9.-]*+(?:(?!%3A){_ENCODED}[a-z0-9.-]*+)*+(?<!\.)"
_PLACE = rf"{_HOST}(?!%3A443(?![0-9]))(?:%3A[1-9][0-9]{{0,4}})?+(?::(?=[^:]){_CHARS})*+"
_USUAL_DID = re.compile(
    rf"did:(?:webvh:[A-Za-z0-9]++:{_PLACE}|web:{_PLACE}|(?!web:|webvh:)[a-z0-9]++:{_CHARS}(?::{_CHARS})*+)(?<!:)"
)
# did:webvh 1.0 §3.4: SCID is a base58btc multihash (sha2-256), without the multibase prefix.
_SCID = r"Qm[1-9A-HJ-NP-Za-km-z]{44}"
_WEBVH = re.compile(rf"did:webvh:{_SCID}(?::[A-Za-z0-9._%-]+)+")
# What most look like needs no second look; a governance file has hundreds of thousands.
_PLAIN_WEBVH = re.compile(
    rf"did:webvh:{_SCID}:(?=[^:]{{4,253}}:){HOST_PATTERN}(?<!localhost)(?::[A-Za-z0-9_-][A-Za-z0-9._-]*)+"
)
# Attested resources: multibase base58btc of a sha2-256 multihash of the JCS form of the content.
_DIGEST = re.compile(r"zQm[1-9A-HJ-NP-Za-km-z]{44}")
_FRAGMENT = re.compile(r"[A-Za-z0-9._~:-]{1,256}")
_MAX_LENGTH = 512


class IdentifierError(WanderbuchError):
    """A text is not the identifier that was expected."""

    code = "identifier"


class Did(str):
    """A syntactically valid DID without path, query or fragment."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: object) -> Self:
        """Return `text` as a DID.

        Raises:
            IdentifierError: it is not one.
        """
        if not isinstance(text, str) or len(text) > _MAX_LENGTH or not _DID.fullmatch(text):
            raise IdentifierError(
                f"expected a DID such as did:webvh:Qm…:centre.example.org:org, found {_shown(text)}",
                hint=usual_spelling(text),
            )
        return cls(text)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> CoreSchema:
        """Let records that are kept as JSON hold DIDs; they are parsed again when they are read."""

        def parse(text: object) -> Did:
            try:
                return cls.parse(text)
            except IdentifierError as err:
                raise PydanticCustomError("identifier", "expected a DID") from err

        return core_schema.no_info_plain_validator_function(parse)

    @property
    def method(self) -> str:
        """The DID method, such as `webvh`."""
        return self.split(":", 2)[1]

    @property
    def is_in_usual_spelling(self) -> bool:
        """Whether no other spelling is more usual, such as a host in small letters.

        DIDs are compared letter by letter, so another spelling names somebody else, who may exist. Where it is unknown,
        it is rather a slip than a stranger.
        """
        return _USUAL_DID.fullmatch(self) is not None and (
            self.method != "webvh" or "%" not in self.split(":")[3] or self in host_spellings(self)
        )


class WebvhDid(Did):
    """A did:webvh DID that can be resolved: what did:webvh 1.0 allows, see `webvh_place` for its rules."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: object) -> Self:
        """Return `text` as a did:webvh DID.

        Raises:
            IdentifierError: it is not one.
        """
        if not isinstance(text, str) or len(text) > _MAX_LENGTH or not _WEBVH.fullmatch(text):
            raise IdentifierError(f"expected did:webvh:<SCID>:<host>:<path>, found {_shown(text)}")
        if _PLAIN_WEBVH.fullmatch(text):
            return cls(text)
        did = cls(text)
        try:
            _ = did.place
        except PlaceError as err:
            raise IdentifierError(f"expected did:webvh:<SCID>:<host>:<path>, found {_shown(text)}: {err}") from err
        return did

    @property
    def scid(self) -> str:
        """The self-certifying identifier: base58btc of a sha2-256 multihash."""
        return self.split(":")[2]

    @property
    def place(self) -> WebvhPlace:
        """Where its files lie."""
        domain, *segments = self.split(":")[3:]
        return read_place(domain, segments)

    @property
    def host(self) -> str:
        """The host name that serves the DID's files over https, in ASCII and lower case."""
        return self.place.host

    @property
    def path(self) -> tuple[str, ...]:
        """The path segments below the host, decoded."""
        return self.place.path

    @property
    def base_url(self) -> str:
        """The address below which the DID's files lie, without a trailing slash."""
        return self.place.base_url

    @property
    def log_url(self) -> str:
        """The address of its log."""
        return f"{self.place.log_folder}/did.jsonl"

    @property
    def witness_url(self) -> str:
        """The address of the approvals of its witnesses."""
        return f"{self.place.log_folder}/did-witness.json"


class DidUrl(str):
    """A DID with a fragment that names a verification method or service."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: object) -> Self:
        """Return `text` as `<did>#<fragment>`.

        Raises:
            IdentifierError: it is not one.
        """
        if not isinstance(text, str) or len(text) > _MAX_LENGTH:
            raise IdentifierError(f"expected a DID URL <did>#<fragment>, found {_shown(text)}")
        did, mark, fragment = text.partition("#")
        if not mark or not (_DID.fullmatch(did) or _is_webvh(did)) or not _FRAGMENT.fullmatch(fragment):
            raise IdentifierError(f"expected a DID URL <did>#<fragment>, found {_shown(text)}")
        return cls(text)

    @property
    def did(self) -> Did:
        """The DID before the fragment."""
        return Did(self.partition("#")[0])

    @property
    def fragment(self) -> str:
        """What follows the `#`."""
        return self.partition("#")[2]


class ResourceId(str):
    """The id of an attested resource: `<did:webvh>/resources/<digest>` (DID Attested Resources 0.1)."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: object) -> Self:
        """Return `text` as a resource id.

        Raises:
            IdentifierError: it is not one.
        """
        if not isinstance(text, str) or len(text) > _MAX_LENGTH:
            raise IdentifierError(f"expected <did>/resources/<digest>, found {_shown(text)}")
        did, mark, digest = text.partition("/resources/")
        if not mark or not _DIGEST.fullmatch(digest):
            raise IdentifierError(f"expected <did>/resources/<digest>, found {_shown(text)}")
        WebvhDid.parse(did)
        return cls(text)

    @classmethod
    def of(cls, did: WebvhDid, digest: str) -> Self:
        """Return the id of the resource `digest` (multibase base58btc of a sha2-256 multihash) of `did`.

        Raises:
            IdentifierError: it is no such digest, or the id is too long. `did` is not looked at again.
        """
        text = f"{did}/resources/{digest}"
        if len(text) > _MAX_LENGTH or not _DIGEST.fullmatch(digest):
            raise IdentifierError(f"expected <did>/resources/<digest>, found {_shown(text)}")
        return cls(text)

    @property
    def did(self) -> WebvhDid:
        """The DID that publishes the resource."""
        return WebvhDid(self.partition("/resources/")[0])

    def is_of(self, did: Did) -> bool:
        """Return whether `did` publishes the resource."""
        end = len(did)
        return self.startswith(did) and self.startswith("/resources/", end)

    @property
    def digest(self) -> str:
        """Multibase base58btc of the sha2-256 multihash of the JCS form of the content."""
        return self.partition("/resources/")[2]

    @property
    def url(self) -> str:
        """Where the resource is served."""
        return f"{self.did.base_url}/resources/{self.digest}"


def host_spellings(did: Did) -> tuple[str, ...]:
    """Return a did:webvh DID with its host in ASCII (`xn--…`) and in its own script; none for a DID of another form.

    Both are in use, and each is a DID of its own.
    """
    try:
        place = WebvhDid.parse(did).place
        scripts = (place.host, quote(idna.decode(place.host), safe=""))
    except (IdentifierError, UnicodeError):  # of which idna's own errors are kinds
        return ()
    method, scid, _, *path = did.split(":")[1:]
    port = "" if place.port is None else f"%3A{place.port}"
    return tuple(":".join(("did", method, scid, host + port, *path)) for host in scripts)


def meant_spelling(did: Did, is_known: Callable[[Did], bool]) -> str | None:
    """Return how to write a DID that is not known and rather another spelling of one that may be; None for others."""
    if is_known(did):
        return None
    if not did.is_in_usual_spelling:
        return usual_spelling(did)
    in_other_scripts = host_spellings(did) if "%" in did or "xn--" in did else ()
    return next((f"write {known}" for known in map(Did, in_other_scripts) if is_known(known)), None)


def _is_webvh(text: str) -> bool:
    try:
        WebvhDid.parse(text)
    except IdentifierError:
        return False
    return True


def usual_spelling(text: object) -> str:
    """Return how to write a DID that somebody wrote in another way."""
    if not isinstance(text, str) or not re.match(r"\s*did\s*:", text, re.IGNORECASE):
        return "copy it as its owner gives it; it begins with did:"
    if any(mark in text for mark in "#?/"):
        return "leave out what follows the DID: everything from the first #, ? or / on"
    if any(letter.isspace() or not letter.isprintable() or not letter.isascii() for letter in text):
        return "leave out spaces and every other character that no DID has"
    if len(text) > _MAX_LENGTH:
        return f"a DID has at most {_MAX_LENGTH} characters"
    return (
        "write did: and the method in small letters, a host too (another script as it is or as xn--…), "
        "and nothing percent-encoded that need not be"
    )


def _shown(text: object) -> str:
    """Return foreign input in a form that is short and safe to print."""
    return repr(text)[:80]
