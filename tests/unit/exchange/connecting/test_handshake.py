"""Our inviter and our invitee, with one another."""

import asyncio
import json
from typing import Any

import pytest
from acapy_agent.resolver.did_resolver import DIDResolver
from aries_askar import Session
from tests.postgresql import Database
from tests.unit.exchange.connecting.conftest import shared
from tests.unit.exchange.connecting.ends import End, carry

from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.errors import ExchangeError
from wanderbuch.plugins.exchange.connecting.acapy_entries import remove_record
from wanderbuch.plugins.exchange.connecting.connections import read_connection_by_id
from wanderbuch.plugins.exchange.connecting.invitations import Invitation
from wanderbuch.plugins.exchange.connecting.invitee import begin
from wanderbuch.plugins.exchange.connecting.messages import complete_message, request_message
from wanderbuch.plugins.exchange.connecting.own_keys import keep_peer
from wanderbuch.plugins.exchange.connecting.peer_dids import fresh_peer
from wanderbuch.plugins.exchange.connecting.signed_text import signed_text
from wanderbuch.plugins.exchange.connection import Connection
from wanderbuch.plugins.exchange.packing import pack
from wanderbuch.store.entries import fetch_entries


def kinds(carried: list[Any]) -> list[str]:
    return [message["@type"].rpartition("/")[2] for message in carried]


async def posted_alone(end: End) -> bytes:
    ((_, packed),) = await end.posted()
    return packed


async def count_of(end: End, category: str) -> int:
    async with end.profile.session() as session:
        return len(await fetch_entries(session, category))


async def connected(inviter: End, wallet: End, invitation_id: str = "one") -> tuple[Connection, Connection]:
    """Return the connection as both ends have it."""
    await begin(wallet.profile, await inviter.invite(invitation_id))
    await carry(inviter, wallet)
    return inviter.book.told[-1][1], wallet.book.told[-1][1]


async def test_wallet_and_inviter_have_one_connection_with_one_another(ends: tuple[End, End]) -> None:
    inviter, wallet = ends
    invitation = await inviter.invite("one")
    begun = await begin(wallet.profile, invitation)
    assert begun.connection is None
    assert kinds(await carry(inviter, wallet)) == ["request", "response", "complete"]
    ((handshake_id, ours),) = wallet.book.told
    ((invitation_id, theirs),) = inviter.book.told
    assert (handshake_id, invitation_id) == (begun.handshake_id, "one")
    assert (ours.own_key, ours.their_key, ours.own_did) == (theirs.their_key, theirs.own_key, theirs.their_did)
    for end, connection in ((wallet, ours), (inviter, theirs)):
        assert await end.connection(connection.own_key) == connection
        async with end.profile.session() as session:
            assert await read_connection_by_id(session, connection.connection_id) == connection
        other = inviter if end is wallet else wallet
        assert connection.channel.endpoint == other.endpoint


async def test_every_connection_has_keys_of_its_own(ends: tuple[End, End]) -> None:
    first, second = await connected(*ends, "one"), await connected(*ends, "two")
    assert len({connection.own_key for connection in (*first, *second)}) == 4


async def test_same_request_again_gets_the_same_response_again(ends: tuple[End, End]) -> None:
    inviter, wallet = ends
    await begin(wallet.profile, await inviter.invite("one"))
    request = await posted_alone(wallet)
    answers = []
    for _ in range(2):
        await inviter.receive(request)
        incoming, _ = await wallet.opened(await posted_alone(inviter))
        answers.append(incoming.members)
    assert answers[0] == answers[1]
    assert await count_of(inviter, Connection.category) == 1


async def test_same_request_at_once_makes_one_connection(ends: tuple[End, End]) -> None:
    inviter, wallet = ends
    await begin(wallet.profile, await inviter.invite("one", reusable=True))
    request = await posted_alone(wallet)
    await asyncio.gather(*(inviter.receive(request) for _ in range(5)))
    answers = [(await wallet.opened(packed))[0].members for _, packed in await inviter.posted()]
    assert len(answers) == 5
    assert len({json.dumps(answer, sort_keys=True) for answer in answers}) == 1
    assert await count_of(inviter, Connection.category) == await count_of(inviter, "connection") == 1


async def test_wallet_without_an_address_gets_the_response_as_reply(ends: tuple[End, End]) -> None:
    inviter, wallet = ends
    wallet.profile.settings["default_endpoint"] = "didcomm:transport/queue"
    await begin(wallet.profile, await inviter.invite("one"))
    response = await inviter.receive(await posted_alone(wallet), waits=True)
    assert response is not None
    await wallet.receive(response)
    await inviter.receive(await posted_alone(wallet), waits=True)
    ((_, connection),) = inviter.book.told
    assert not connection.channel.has_address
    assert await inviter.posted() == []


async def test_second_wallet_on_an_invitation_for_one_is_told_so_and_leaves_nothing(ends: tuple[End, End]) -> None:
    inviter, wallet = ends
    await connected(inviter, wallet)
    before = [await count_of(inviter, category) for category in (Connection.category, "connection", "did", "did_key")]
    request, peer = await stranger(wallet, "one")
    await inviter.receive(pack(request, to=inviter.public.name, own=peer.key))  # type: ignore[union-attr]
    assert [
        await count_of(inviter, category) for category in (Connection.category, "connection", "did", "did_key")
    ] == before
    report, _ = await wallet.opened(await posted_alone(inviter))
    assert (report.kind, report.members["description"]["code"]) == (
        "didexchange/1.1/problem_report",
        "request_not_accepted",
    )
    assert report.members["~thread"] == {"thid": request["@id"], "pthid": "one"}
    assert len(inviter.book.told) == 1


def reads_only(end: End, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have an end refuse to write, and to fetch the DID documents of others."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("something was written or fetched")

    monkeypatch.setattr(end.profile, "transaction", refuse)
    monkeypatch.setattr(end.profile.inject(DIDResolver), "resolve", refuse)


@pytest.mark.parametrize("reusable", [False, True], ids=["for one", "for many"])
async def test_who_comes_when_an_invitation_is_over_is_told_before_anything_is_written_or_fetched(
    ends: tuple[End, End], monkeypatch: pytest.MonkeyPatch, *, reusable: bool
) -> None:
    inviter, wallet = ends
    await inviter.invite("one", reusable=reusable, is_over=True)
    request, peer = await stranger(wallet, "one")
    reads_only(inviter, monkeypatch)
    assert await inviter.receive(pack(request, to=inviter.public.name, own=peer.key)) is None  # type: ignore[union-attr]
    report, _ = await wallet.opened(await posted_alone(inviter))
    assert report.members["description"]["code"] == "request_not_accepted"
    assert report.members["~thread"] == {"thid": request["@id"], "pthid": "one"}
    assert inviter.book.taken == {}
    thief = fresh_peer("https://thief.wanderbuch.test")
    with pytest.raises(ExchangeError, match="sender's key"):  # nobody else's address is written to
        await inviter.receive(pack(request, to=inviter.public.name, own=thief.key))  # type: ignore[union-attr]


async def test_who_names_a_did_of_another_host_when_an_invitation_is_over_is_told_if_they_wait(
    ends: tuple[End, End], monkeypatch: pytest.MonkeyPatch
) -> None:
    inviter, wallet = ends
    await inviter.invite("one", reusable=True, is_over=True)
    request, peer = await stranger(wallet, "one")
    request["did"] = "did:web:stranger.wanderbuch.test"
    reads_only(inviter, monkeypatch)
    packed = pack(request, to=inviter.public.name, own=peer.key)  # type: ignore[union-attr]
    reply = await inviter.receive(packed, waits=True)
    assert reply is not None
    report, _ = await wallet.opened(reply)
    assert report.members["description"]["code"] == "request_not_accepted"
    await inviter.receive(packed)
    assert await inviter.posted() == []


async def test_who_was_answered_before_an_invitation_was_over_is_answered_again(ends: tuple[End, End]) -> None:
    inviter, wallet = ends
    await begin(wallet.profile, await inviter.invite("one", reusable=True))
    request = await posted_alone(wallet)
    await inviter.receive(request)
    first, _ = await wallet.opened(await posted_alone(inviter))
    await inviter.invite("one", reusable=True, is_over=True)
    await inviter.receive(request)
    again, _ = await wallet.opened(await posted_alone(inviter))
    assert (again.kind, again.members) == ("didexchange/1.1/response", first.members)


async def test_second_wallet_on_an_invitation_for_many_gets_a_connection(ends: tuple[End, End]) -> None:
    inviter, wallet = ends
    await inviter.invite("one", reusable=True)
    for _ in range(2):
        request, peer = await stranger(wallet, "one")
        await inviter.receive(pack(request, to=inviter.public.name, own=peer.key))  # type: ignore[union-attr]
        assert (await wallet.opened(await posted_alone(inviter)))[0].kind == "didexchange/1.1/response"
    assert await count_of(inviter, Connection.category) == 2


async def test_request_that_names_no_invitation_of_ours_leaves_nothing(ends: tuple[End, End]) -> None:
    inviter, wallet = ends
    await inviter.invite("one")
    request, peer = await stranger(wallet, "another")
    incoming, _ = await inviter.opened(pack(request, to=inviter.public.name, own=peer.key))  # type: ignore[union-attr]
    assert not await inviter.take(incoming)
    assert await count_of(inviter, Connection.category) == 0
    assert await inviter.posted() == []


async def test_request_for_anothers_did_is_refused(ends: tuple[End, End]) -> None:
    """The DID that it names has another key than its envelope."""
    inviter, wallet = ends
    await inviter.invite("one")
    request, _ = await stranger(wallet, "one")
    thief = fresh_peer("https://thief.wanderbuch.test")
    with pytest.raises(ExchangeError, match="sender's key"):
        await inviter.receive(pack(request, to=inviter.public.name, own=thief.key))  # type: ignore[union-attr]
    assert await count_of(inviter, Connection.category) == await count_of(inviter, "connection") == 0


async def test_end_of_the_handshake_counts_from_its_own_wallet_on_its_own_thread(ends: tuple[End, End]) -> None:
    inviter, wallet = ends
    begun = await begin(wallet.profile, await inviter.invite("one"))
    await inviter.receive(await posted_alone(wallet))
    await wallet.receive(await posted_alone(inviter))
    complete = await posted_alone(wallet)
    ((_, ours),) = wallet.book.told
    thief = fresh_peer("https://thief.wanderbuch.test")
    right = complete_message(protocol=ours.protocol, request_id=ours.request_id, invitation_id="one")
    wrong = complete_message(protocol=ours.protocol, request_id="another", invitation_id="one")
    own = await wallet.keys.secret(wallet.profile, begun.own_key)
    for message, key in ((right, thief.key), (wrong, own)):
        with pytest.raises(ExchangeError):
            await inviter.receive(pack(message, to=ours.their_key, own=key))
    assert inviter.book.told == []
    await inviter.receive(complete)
    assert len(inviter.book.told) == 1


@pytest.mark.parametrize("signer", ["nobody", "a stranger", "the new key"])
async def test_response_that_the_inviter_did_not_sign_is_refused(ends: tuple[End, End], signer: str) -> None:
    inviter, wallet = ends
    begun = await begin(wallet.profile, await inviter.invite("one"))
    request, _ = await inviter.opened(await posted_alone(wallet))
    thief = fresh_peer("https://thief.wanderbuch.test")
    signing = thief if signer == "the new key" else fresh_peer("")
    rotation = {"@id": "did", "data": signed_text(thief.did, key=signing.key, own_key=signing.name)}
    response: dict[str, Any] = {
        "@type": "https://didcomm.org/didexchange/1.1/response",
        "@id": "response",
        "~thread": {"thid": request.id},
        "did": thief.did,
    } | ({} if signer == "nobody" else {"did_rotate~attach": rotation})
    with pytest.raises(ExchangeError, match="signed"):
        await wallet.receive(pack(response, to=begun.own_key, own=thief.key))
    assert wallet.book.told == []
    assert await wallet.connection(begun.own_key) is None


async def test_response_for_a_did_whose_key_did_not_send_it_is_refused(ends: tuple[End, End]) -> None:
    """Somebody repeats the inviter's signed DID from a key of their own."""
    inviter, wallet = ends
    begun = await begin(wallet.profile, await inviter.invite("one"))
    await inviter.receive(await posted_alone(wallet))
    response, _ = await wallet.opened(await posted_alone(inviter))
    thief = fresh_peer("https://thief.wanderbuch.test")
    with pytest.raises(ExchangeError, match="sender's key"):
        await wallet.receive(pack(response.members, to=begun.own_key, own=thief.key))
    assert await wallet.connection(begun.own_key) is None


async def test_opening_again_sends_the_same_request_again_and_then_the_end(ends: tuple[End, End]) -> None:
    inviter, wallet = ends
    invitation = await inviter.invite("one")
    first = await begin(wallet.profile, invitation)
    one, _ = await inviter.opened(await posted_alone(wallet))
    await wallet.restart()
    second = await begin(wallet.profile, invitation)
    request = await posted_alone(wallet)
    again, _ = await inviter.opened(request)
    assert (one.members, first) == (again.members, second)
    await inviter.receive(request)
    await carry(inviter, wallet)
    third = await begin(wallet.profile, invitation)
    assert third.connection == wallet.book.told[0][1]
    assert kinds(await carry(inviter, wallet)) == ["complete"]


async def test_two_inviters_with_one_invitation_id_get_a_connection_each(ends: tuple[End, End]) -> None:
    inviter, wallet = ends
    invitation = await inviter.invite("one")
    other = Invitation("one", fresh_peer("https://other.wanderbuch.test").did, invitation.handshakes, *[None] * 4)
    assert (await begin(wallet.profile, invitation)).own_key != (await begin(wallet.profile, other)).own_key


async def test_invitation_that_was_refused_begins_anew_when_it_is_opened_again(ends: tuple[End, End]) -> None:
    inviter, wallet = ends
    invitation = await inviter.invite("one")
    inviter.book.taken["one"] = "another"
    first = await begin(wallet.profile, invitation)
    assert kinds(await carry(inviter, wallet)) == ["request", "problem_report"]
    (report,) = wallet.book.no
    assert report.code == "request_not_accepted"
    del inviter.book.taken["one"]
    second = await begin(wallet.profile, invitation)
    assert second.own_key != first.own_key
    await carry(inviter, wallet)
    assert await wallet.connection(second.own_key) is not None


async def test_report_by_somebody_else_ends_nothing(ends: tuple[End, End]) -> None:
    inviter, wallet = ends
    begun = await begin(wallet.profile, await inviter.invite("one"))
    request, _ = await inviter.opened(await posted_alone(wallet))
    report = {
        "@type": "https://didcomm.org/didexchange/1.1/problem_report",
        "@id": "report",
        "~thread": {"thid": request.id},
        "description": {"code": "request_not_accepted", "en": "no"},
    }
    with pytest.raises(ExchangeError):
        await wallet.receive(pack(report, to=begun.own_key, own=fresh_peer("").key))
    assert wallet.book.no == []


async def test_wallet_goes_on_over_a_connection_with_the_same_inviter(ends: tuple[End, End]) -> None:
    inviter, wallet = ends
    theirs, ours = await connected(inviter, wallet)
    invitation = await inviter.invite("two")
    begun = await begin(wallet.profile, invitation, reuse=True)
    assert (begun.own_key, begun.connection) == (ours.own_key, None)
    assert kinds(await carry(inviter, wallet)) == ["handshake-reuse", "handshake-reuse-accepted"]
    assert inviter.book.told[-1] == ("two", theirs)
    assert wallet.book.told[-1] == (invitation.handshake_id, ours)
    assert (await begin(wallet.profile, invitation, reuse=True)).connection == ours
    assert await carry(inviter, wallet) == []


async def test_connection_to_go_on_with_is_found_by_name(
    ends: tuple[End, End], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A search by tag reads the whole wallet on SQLite."""
    inviter, wallet = ends
    _, ours = await connected(inviter, wallet)

    async def search(*_: Any, **__: Any) -> Any:
        raise AssertionError("the wallet was searched")

    monkeypatch.setattr(Session, "fetch_all", search)
    assert (await begin(wallet.profile, await inviter.invite("two"), reuse=True)).own_key == ours.own_key


async def test_connection_that_was_removed_is_not_gone_on_with_but_the_next_one_is(ends: tuple[End, End]) -> None:
    inviter, wallet = ends
    _, removed = await connected(inviter, wallet)
    async with wallet.profile.session() as session:
        await remove_record(session, removed.connection_id)
    begun = await begin(wallet.profile, await inviter.invite("two"), reuse=True)
    assert begun.own_key != removed.own_key
    assert kinds(await carry(inviter, wallet)) == ["request", "response", "complete"]
    assert (await begin(wallet.profile, await inviter.invite("three"), reuse=True)).own_key == begun.own_key


async def test_inviter_that_does_not_go_on_gets_a_handshake_when_it_is_opened_again(ends: tuple[End, End]) -> None:
    inviter, wallet = ends
    _, ours = await connected(inviter, wallet)
    invitation = await inviter.invite("two")
    inviter.book.taken["two"] = "another"
    await begin(wallet.profile, invitation, reuse=True)
    assert kinds(await carry(inviter, wallet)) == ["handshake-reuse", "problem_report"]
    assert [refusal.code for refusal in wallet.book.no] == ["existing_connection_not_active"]
    del inviter.book.taken["two"]
    begun = await begin(wallet.profile, invitation, reuse=True)
    assert begun.own_key != ours.own_key
    assert kinds(await carry(inviter, wallet)) == ["request", "response", "complete"]


async def test_wallet_begins_a_connection_of_its_own_unless_it_is_told_otherwise(ends: tuple[End, End]) -> None:
    _, first = await connected(*ends, "one")
    _, second = await connected(*ends, "two")
    assert first.own_key != second.own_key


@pytest.mark.needs("postgresql")
async def test_two_processes_that_get_one_request_make_one_connection(
    agent_config: AgentConfig, database: Database, tmp_path: Any
) -> None:
    one = End(shared(agent_config, database), "inviter")
    other = End(one.config, "inviter", beside=one)
    wallet = End(agent_config.model_copy(update={"data": tmp_path / "wallet"}), "wallet")
    for end in (one, other, wallet):
        await end.start()
    await begin(wallet.profile, await one.invite("one"))
    request = await posted_alone(wallet)
    await asyncio.gather(*((one, other)[number % 2].receive(request) for number in range(6)))
    await other.sending.stop(wait_s=5.0)
    answers = [(await wallet.opened(packed))[0].members for _, packed in await one.posted()]
    assert len(answers) == 6
    assert len({json.dumps(answer, sort_keys=True) for answer in answers}) == 1
    for category in (Connection.category, "connection", "did_key"):
        assert await count_of(one, category) == 1
    for end in (one, other, wallet):
        await end.stop()


async def stranger(wallet: End, invitation_id: str) -> tuple[dict[str, Any], Any]:
    """Return a request as another wallet sends it, and its DID; its answers can be opened by ours."""
    peer = fresh_peer(wallet.endpoint)
    async with wallet.profile.session() as session:
        await keep_peer(wallet.profile, session, peer)
    request_id = f"request-{peer.name[:8]}"
    request = request_message(
        protocol="didexchange/1.1",
        request_id=request_id,
        invitation_id=invitation_id,
        label="another wallet",
        did=peer.did,
    )
    return request, peer
