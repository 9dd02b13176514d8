"""Who signed a credential and with what, and what ties it to its holder: for every format.

A *source* is what an accreditation lists and what evidence comes from, a text with its format in front (`format_ids`):

    anoncreds:<id of a credential definition>             anoncreds:did:webvh:…/resources/zQm…
                                                          anoncreds:did:indy:…/anoncreds/v0/CLAIM_DEF/12/welders
                                                          anoncreds:<nym>:3:CL:12:welders
    sdjwt:<vct>|<DID or certificate>                      sdjwt:https://example.org/qualification|did:webvh:…
    w3c:<type>|<DID or certificate>                       w3c:EuropeanDigitalCredential|x509:<key id>:org:VATMT-123
    mdoc:<doctype>|<certificate>                          mdoc:org.example.qualification.1|x509:<key id>

A *certificate* is the key identifier of the authority that issued it, and a name in it, so that it can be renewed:
`x509:<key id>`, alone or with `:dns:<host>`, `:uri:<https address>` or `:org:<organizationIdentifier>`. The key id is
base64url without padding, as OpenID4VP has it (`trusted_authorities`, type `aki`).

Sources: AnonCreds 1.0; did:indy 1.0, §5 (object identifiers); SD-JWT VC §3.2.2.1 (vct); VCDM 2.0 §4.5 (type); ISO/IEC
18013-5 §8.3.1 (docType); RFC 5280 §4.2.1.1 (key identifiers), ETSI EN 319 412-1 §5.1.4 (organizationIdentifier).
"""

import re
from enum import Enum
from typing import ClassVar, Final, Self

from wanderbuch.governance.facts.anoncreds_ids import CredDefId
from wanderbuch.governance.facts.format_ids import (
    ANONCREDS,
    MAX_LENGTH,
    START,
    AnonCredsObjectId,
    FormatId,
    check_anoncreds,
    hint_for,
    is_bare,
    is_cred_def,
    shown,
)
from wanderbuch.governance.facts.identifiers import Did, IdentifierError

# What may name a type in any format: visible ASCII but "|", which ends it, and ";", which divides lists of sources.
_TYPE: Final = re.compile(r"[!-:<-{}~]{1,300}")
_CERTIFICATE: Final = re.compile(
    r"x509:[A-Za-z0-9_-]{11,86}"
    r"(?::(?:dns:(?=.{1,253}$)[a-z0-9-]+(?:\.[a-z0-9-]+)+|uri:https://[!-:<-{}~]{1,253}|org:[A-Z]{3}[A-Z]{2}-[!-:<-{}~]{1,64}))?"
)


class Binding(Enum):
    """What ties a credential to who shows it."""

    LINK_SECRET = "link-secret"  # noqa: S105  AnonCreds: knows the secret that was blindly signed
    KEY = "key"  # holds the key that the credential names
    NONE = "none"  # nothing: whoever has a copy can show it


#: What an accreditation that says nothing about it allows.
HOLDER_BOUND: Final = (Binding.LINK_SECRET, Binding.KEY)


class SourceId(FormatId):
    """Who signs and with what. Made by `parse`; `AnonCredsSource.of` takes what is parsed already."""

    __slots__ = ()

    expected = "a source such as anoncreds:did:webvh:…/resources/…, sdjwt:<vct>|<did>, w3c:<type>|<did> or mdoc:…"
    called: ClassVar[str] = "source"

    @classmethod
    def parse(cls, text: object) -> "SourceId":
        """Return `text` as a source.

        Raises:
            IdentifierError: it is not one; the message says which part.
        """
        if not isinstance(text, str) or len(text) > MAX_LENGTH:
            raise IdentifierError(f"expected {cls.expected}, found {shown(text)}")
        kind = _SOURCES.get(text.partition(":")[0])
        if kind is None:
            raise IdentifierError(f"expected {cls.expected}, found {shown(text)}", hint=hint_for(text))
        kind.check(text)
        return kind(text)

    @classmethod
    def check(cls, text: str) -> None:
        """Refuse what is no source of this format."""
        raise NotImplementedError

    @classmethod
    def written(cls, text: object) -> "SourceId":
        """Return a source as somebody wrote it in a list or a form: of AnonCreds the id alone will do.

        Raises:
            IdentifierError: it is neither.
        """
        return cls.parse(f"{ANONCREDS}{text}" if is_bare(text, is_cred_def) else text)


class AnonCredsSource(AnonCredsObjectId, SourceId):
    """A credential definition."""

    __slots__ = ()

    called = "credential definition"

    @classmethod
    def of(cls, definition: CredDefId) -> Self:
        """Return the source that is a credential definition of ours; nothing is looked at again."""
        return cls(ANONCREDS + definition)

    @classmethod
    def check(cls, text: str) -> None:
        """See `SourceId.check`."""
        check_anoncreds(text, CredDefId, "id of a credential definition")

    @property
    def definition(self) -> CredDefId:
        """The credential definition."""
        return CredDefId(self[START:])


class SignedSource(SourceId):
    """A type of credential, and the DID or the certificate that signs it."""

    __slots__ = ()

    called = "signer"
    prefix: ClassVar[str]
    what: ClassVar[str]
    by_did: ClassVar[bool] = True

    @classmethod
    def check(cls, text: str) -> None:
        """See `SourceId.check`."""
        kind, mark, party = text[len(cls.prefix) :].partition("|")
        if not mark or not _TYPE.fullmatch(kind):
            raise IdentifierError(f"expected {cls.prefix}<{cls.what}>|<who signs>, found {shown(text)}")
        if party.startswith("x509:"):
            if not _CERTIFICATE.fullmatch(party):
                raise IdentifierError(
                    f"expected a certificate as x509:<key id>, alone or with :dns:<host>, :uri:<address> or :org:<id>, "
                    f"found {shown(party)}"
                )
            return
        if not cls.by_did:
            raise IdentifierError(f"expected a certificate x509:… behind the |, found {shown(party)}")
        Did.parse(party)

    @property
    def type_name(self) -> str:
        """The type in the words of the format: vct, VCDM type or docType."""
        return self[len(self.prefix) :].partition("|")[0]

    @property
    def party(self) -> str:
        """The DID or certificate that signs."""
        return self.partition("|")[2]

    @property
    def owner(self) -> Did | None:
        """The DID that signs, None if a certificate does."""
        party = self.party
        return None if party.startswith("x509:") else Did(party)


class SdJwtSource(SignedSource):
    """An SD-JWT VC."""

    __slots__ = ()

    prefix, what = "sdjwt:", "vct"


class W3cSource(SignedSource):
    """A W3C Verifiable Credential: an Open Badge, or an ELM credential, whose seal is a certificate's."""

    __slots__ = ()

    prefix, what = "w3c:", "type"


class MdocSource(SignedSource):
    """An mdoc, which certificates alone sign."""

    __slots__ = ()

    prefix, what, by_did = "mdoc:", "doctype", False


_SOURCES: Final[dict[str, type[SourceId]]] = {
    "anoncreds": AnonCredsSource,
    "sdjwt": SdJwtSource,
    "w3c": W3cSource,
    "mdoc": MdocSource,
}
