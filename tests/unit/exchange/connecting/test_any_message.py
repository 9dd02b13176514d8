"""Whatever stands in a message of a handshake, it is refused or answered, and makes no connection of nobody."""

from contextlib import suppress
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.thorough import examples
from tests.unit.exchange.connecting.ends import End

from wanderbuch.errors import ExchangeError
from wanderbuch.plugins.exchange.attached import AttachedError
from wanderbuch.plugins.exchange.connecting.did_documents import ContactError, read_contact
from wanderbuch.plugins.exchange.connecting.invitations import InvitationError, read_invitation_message
from wanderbuch.plugins.exchange.connecting.invitee import begin
from wanderbuch.plugins.exchange.connecting.messages import read_introduction
from wanderbuch.plugins.exchange.connecting.peer_dids import fresh_peer
from wanderbuch.plugins.exchange.connecting.signed_text import read_signed_text, signed_text
from wanderbuch.plugins.exchange.packing import pack

_SCALARS = st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=20)
_NAMES = st.sampled_from(
    [
        *("id", "type", "@id", "did", "label", "data", "base64", "json", "jws", "protected", "signature", "signatures"),
        *("services", "recipientKeys", "routingKeys", "serviceEndpoint", "priority", "handshake_protocols"),
        *("verificationMethod", "authentication", "keyAgreement", "publicKey", "service", "publicKeyBase58"),
        *("publicKeyMultibase", "publicKeyJwk", "kty", "crv", "x"),
        *("did_doc~attach", "did_rotate~attach", "requests~attach", "#key-0"),
    ]
)
_JSON = st.recursive(
    _SCALARS | st.sampled_from(["did:key:z6Mk", "did-communication", "#key-0", "IndyAgent", "didexchange/1.1"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_NAMES, inner, max_size=6),
    max_leaves=30,
)
_OBJECTS = st.dictionaries(_NAMES, _JSON, max_size=8)


@given(_OBJECTS)
def test_any_document_is_read_or_refused(document: dict[str, Any]) -> None:
    try:
        contact = read_contact("did:example:1", document)
    except ContactError:
        return
    assert contact.keys


@given(_OBJECTS)
def test_any_invitation_is_read_or_refused(members: dict[str, Any]) -> None:
    try:
        invitation = read_invitation_message(members)
    except InvitationError:
        return
    assert invitation.handshakes or invitation.attached


@given(_OBJECTS)
def test_any_introduction_is_read_or_refused(members: dict[str, Any]) -> None:
    try:
        assert read_introduction(members).did
    except (ExchangeError, AttachedError):
        return


@given(_JSON)
def test_nothing_is_signed_that_is_not(attachment: Any) -> None:
    assert read_signed_text(attachment, by=(fresh_peer("").name,)) is None


def test_signature_counts_for_its_own_key_and_its_own_text() -> None:
    one, other = fresh_peer(""), fresh_peer("")
    attachment = {"data": signed_text("did:one", key=one.key, own_key=one.name)}
    assert read_signed_text(attachment, by=(other.name, one.name)) == b"did:one"
    assert read_signed_text(attachment, by=(other.name,)) is None
    assert read_signed_text(attachment, by=()) is None
    changed = {"data": attachment["data"] | {"base64": "ZGlkOnR3bw"}}
    assert read_signed_text(changed, by=(one.name,)) is None


@settings(
    max_examples=examples(60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(members=_OBJECTS, name=st.sampled_from(["request", "response", "complete", "problem_report"]))
async def test_any_message_of_a_handshake_makes_no_connection(
    ends: tuple[End, End], members: dict[str, Any], name: str
) -> None:
    inviter, wallet = ends
    if inviter.public is None:
        await inviter.invite("one", reusable=True)
    assert inviter.public is not None
    stranger = fresh_peer("https://stranger.wanderbuch.test")
    wire = {member: value for member, value in members.items() if not member.startswith("@")} | {
        "@type": f"https://didcomm.org/didexchange/1.1/{name}",
        "@id": "any",
        "~thread": {"pthid": "one"},
    }
    to = inviter.public.name
    if name == "response":
        to = (await begin(wallet.profile, await inviter.invite("two"))).own_key
        receiver = wallet
    else:
        receiver = inviter
    with suppress(ExchangeError):
        await receiver.receive(pack(wire, to=to, own=stranger.key))
    assert inviter.book.told == wallet.book.told == []
    assert inviter.book.taken == {}
