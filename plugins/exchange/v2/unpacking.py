"""From a DIDComm v2 envelope to a message and who is proven to have sent it.

1. The recipient's key is ours: the first recipient of whom we have the secret.
2. The sender's key is the one that the sender's DID document lists for key agreement under the id in the envelope.
3. An anoncrypt holds a message, a signed one, or an authcrypt for the same key; an authcrypt holds a message or a
   signed one. Nothing goes deeper: a signed message in both is a combination that must not be used (§DIDComm Messages).
4. A signature is by a key that the signer's DID document lists for authentication. Where there is an authcrypt around
   it, its sender is the signer. A signed message names the DID that it came to in `to`, so that nobody passes on what
   was signed for somebody else.
5. `from` in the message is whose key it is (`Plaintext.check_sender`); a did:peer:4 may say its short or its long form.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aries_askar import Key

from wanderbuch.plugins.exchange.connecting.peer_dids import short_form
from wanderbuch.plugins.exchange.v2.did_documents import V2Contact
from wanderbuch.plugins.exchange.v2.encrypting import decrypt
from wanderbuch.plugins.exchange.v2.jwe import Jwe, JweError, JweRecipient, did_of, read_jwe
from wanderbuch.plugins.exchange.v2.plaintext import MAX_DEPTH, Plaintext
from wanderbuch.plugins.exchange.v2.signed import SignedError, check_signature, read_signed
from wanderbuch.strict_json import StrictJsonError, read_strict_json

type ContactOf = Callable[[str], Awaitable[V2Contact]]
"""Resolves the DID of a sender; raises `ExchangeError` or `ResolutionError`."""


@dataclass(frozen=True, slots=True)
class OwnAgreementKey:
    """A key of ours that an envelope is for.

    Args:
        recipient: the envelope's entry for it.
        key: the secret key.
    """

    recipient: JweRecipient
    key: Key


@dataclass(frozen=True, slots=True)
class Unpacked:
    """A message, and who sent it.

    Args:
        message: strictly read.
        sender: how to write to whoever is proven to have sent it; None: nobody is.
        own_kid: the key of ours that it came to.
    """

    message: Plaintext
    sender: V2Contact | None
    own_kid: str

    @property
    def own_did(self) -> str:
        """Return the DID of ours that it came to."""
        return did_of(self.own_kid)


async def unpack(jwe: Jwe, own: OwnAgreementKey, contact_of: ContactOf, *, max_bytes: int) -> Unpacked:
    """Return the message in an envelope.

    Args:
        jwe: the envelope.
        own: a recipient of it that we are.
        contact_of: resolves senders.
        max_bytes: of the message.

    Raises:
        JweError: it cannot be opened, or is not by whom it names.
        SignedError: it is signed, and not by whom it names, or not for us.
        PlaintextError: what it holds is no message that we can rely on.
        ExchangeError, ResolutionError: what `contact_of` raises.
    """
    content, sender = await _content(jwe, own, contact_of)
    is_hidden = jwe.skid is None and _holds(content, "recipients", max_bytes)
    if is_hidden:
        inner = read_jwe(content, max_bytes=max_bytes)
        recipient = next((candidate for candidate in inner.recipients if candidate.kid == own.recipient.kid), None)
        if inner.skid is None or recipient is None:
            raise JweError("expected an authenticated envelope for the same key inside the anonymous one")
        content, sender = await _content(inner, OwnAgreementKey(recipient, own.key), contact_of)
    if not _holds(content, "payload", max_bytes):
        message = Plaintext.read(content, max_bytes=max_bytes)
    elif is_hidden:
        raise SignedError("expected a signed message inside one envelope, found it inside two")
    else:
        message, sender = await _signed(content, sender, own.recipient.kid, contact_of, max_bytes)
    message.check_sender(None if sender is None else _as_named(sender.did, message.sender))
    return Unpacked(message, sender, own.recipient.kid)


async def _signed(
    content: bytes, sender: V2Contact | None, own_kid: str, contact_of: ContactOf, max_bytes: int
) -> tuple[Plaintext, V2Contact]:
    """Return the message in a signed one, and its signer (4)."""
    signed = read_signed(content, max_bytes=max_bytes)
    did = did_of(signed.kid)
    if sender is not None and short_form(sender.did) != short_form(did):
        raise SignedError("expected the signer to be the sender that the envelope proves, found another")
    signer = await contact_of(did)
    if (key := signer.signer(f"{signer.did}#{signed.kid.partition('#')[2]}")) is None:
        raise SignedError("expected the signer's key to be listed for authentication in the signer's DID document")
    check_signature(signed, key.key)
    message = Plaintext.read(signed.payload, max_bytes=max_bytes)
    if short_form(did_of(own_kid)) not in {short_form(did) for did in message.to}:
        raise SignedError("expected a signed message to name in to the DID that it came to")
    return message, signer


async def _content(jwe: Jwe, own: OwnAgreementKey, contact_of: ContactOf) -> tuple[bytes, V2Contact | None]:
    if jwe.skid is None:
        return decrypt(jwe, own.recipient, own.key, None), None
    sender = await contact_of(did_of(jwe.skid))
    if (key := sender.key(jwe.skid)) is None:
        raise JweError("expected the sender's key to be listed for key agreement in the sender's DID document")
    return decrypt(jwe, own.recipient, own.key, key.key), sender


def _holds(content: bytes, member: str, max_bytes: int) -> bool:
    """Tell an envelope, by a member of it, from a message, in whose body any member may stand.

    What is neither is refused as a message.
    """
    if f'"{member}"'.encode() not in content or b'"type"' in content:
        return False  # a message has a type, and no envelope that is taken has a member of that name
    try:
        members = read_strict_json(content, max_bytes=max_bytes, max_depth=MAX_DEPTH, fractions=True)
    except StrictJsonError:
        return False
    return isinstance(members, dict) and member in members and "type" not in members


def _as_named(did: str, named: str | None) -> str:
    """Return the sender's DID as the message writes it, where that is another form of the same did:peer:4."""
    return named if named is not None and short_form(named) == short_form(did) else did
