"""Ids of AnonCreds objects wherever they are published: with a did:webvh, or on an Indy ledger.

Sources: DID Attested Resources 0.1; Indy DID Method 1.0 (see `indy`).
"""

from typing import ClassVar, Self

from wanderbuch.governance.facts.identifiers import Did, IdentifierError, ResourceId, WebvhDid
from wanderbuch.governance.facts.indy import IndyId, Kind

_WEBVH = "did:webvh:"
_RESOURCES = "/resources/"


class AnonCredsId(str):
    """The id of an AnonCreds object as somebody wrote it; made by `parse`, or by `of` where the issuer was parsed."""

    __slots__ = ()

    kind: ClassVar[Kind]

    @classmethod
    def parse(cls, text: object) -> Self:
        """Return `text` as the id of such an object.

        Raises:
            IdentifierError: it is not one.
        """
        if isinstance(text, str) and _RESOURCES not in text:
            try:
                return cls(IndyId.parse(text, cls.kind).text)
            except IdentifierError as err:
                if not text.startswith(_WEBVH) and (text.startswith("did:indy:") or not text.startswith("did:")):
                    raise IdentifierError(
                        f"expected <did:webvh>/resources/<digest>, or {err.message.removeprefix('expected ')}"
                    ) from err
        return cls(ResourceId.parse(text))

    @classmethod
    def of(cls, did: WebvhDid, digest: str) -> Self:
        """Return the id of a resource of a did:webvh; errors as with `ResourceId.of`."""
        return cls(ResourceId.of(did, digest))

    @property
    def did(self) -> Did:
        """The DID that publishes it: of an old name on a ledger did:sov's."""
        return issuer_of(self)

    @property
    def resource(self) -> ResourceId:
        """It as a resource of a did:webvh.

        Raises:
            IdentifierError: it is on a ledger.
        """
        if _RESOURCES not in self:
            raise IdentifierError(f"expected an object that a did:webvh publishes, found one on a ledger: {self[:160]}")
        return ResourceId.parse(self)

    def is_of(self, did: Did) -> bool:
        """Return whether `did` publishes it."""
        return (self.startswith(did) and self.startswith("/", len(did))) or self.did == did


class SchemaId(AnonCredsId):
    """The id of an AnonCreds schema."""

    __slots__ = ()

    kind = Kind.SCHEMA


class CredDefId(AnonCredsId):
    """The id of an AnonCreds credential definition; `did` is its issuer."""

    __slots__ = ()

    kind = Kind.CRED_DEF


class RevRegDefId(AnonCredsId):
    """The id of an AnonCreds revocation registry definition."""

    __slots__ = ()

    kind = Kind.REV_REG_DEF


def issuer_of(text: str) -> Did:
    """Return who publishes the object with an id that was parsed."""
    if text.startswith("did:"):
        return Did(text.partition("/")[0])
    return Did(f"did:sov:{text.partition(':')[0]}")
