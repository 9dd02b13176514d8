"""Passkeys: made from an invitation, signed in with, and refused to everybody else."""

import asyncio
import json
from typing import Final

import pytest
from tests.unit.people.authenticator import PRESENT, Authenticator
from tests.unit.people.conftest import ORIGIN, RP_ID, OtherWorker, Role, Workshop, phone
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url

from wanderbuch.agents.authority.pages.desk_sessions import OFFICIAL_KINDS
from wanderbuch.agents.issuer.console.clerks import CLERK_KINDS
from wanderbuch.agents.people.kinds import USUAL_KINDS, SignInKinds, kinds_in
from wanderbuch.agents.people.passkeys import MAX_PASSKEYS, Passkey, PasskeyRefusedError
from wanderbuch.agents.people.sign_in import InvitationEndedError, RecoveryRefusedError
from wanderbuch.agents.runtime.problems import RefusedError
from wanderbuch.agents.verifier.desk_log import DeskLog
from wanderbuch.agents.verifier.staff import STAFF_KINDS
from wanderbuch.store.entries import fetch_entries
from wanderbuch.store.records import NotFoundError
from wanderbuch.store.tables import tables_of

REFUSED = (RefusedError, NotFoundError)


async def test_who_is_invited_makes_a_passkey_and_signs_in_with_it_at_any_process(workshop: Workshop) -> None:
    device, entered = await workshop.equip("cleo")
    assert (entered.person.id, entered.code is not None) == ("cleo", True)
    other = await workshop.elsewhere()
    again = await other.enter(device)
    assert (again.person, again.code) == (await other.people.get("cleo"), None)
    assert again.means == entered.means
    assert await workshop.sign_in.stands(again.person, again.means)
    [passkey] = await workshop.passkeys.of("cleo")
    assert (passkey.label, passkey.sign_count, passkey.used_at) == ("My phone", 1, workshop.clock())


SHARED: Final = ("authority", "verifier")


@pytest.mark.parametrize(
    ("here", "there"),
    [
        (USUAL_KINDS, CLERK_KINDS),
        (kinds_in(SHARED, OFFICIAL_KINDS), kinds_in(SHARED, STAFF_KINDS)),
        (CLERK_KINDS, kinds_in(("issuer", "verifier"), STAFF_KINDS)),
        (USUAL_KINDS, kinds_in(("issuer", "verifier"), STAFF_KINDS)),
    ],
    ids=["alone", "authority and verifier", "issuer and verifier", "of an older version"],
)
async def test_what_lets_somebody_in_at_one_role_of_a_tenant_lets_nobody_in_at_another(
    workshop: Workshop, here: SignInKinds, there: SignInKinds
) -> None:
    """The ids are each role's own: who is "ann" of one is not who is "ann" of the other."""
    profile, processes, clock = workshop.profile, workshop.processes, workshop.clock
    workshop = Workshop(profile, processes, clock, kinds=here)
    other = Workshop(profile, processes, clock, kind=OtherWorker, log_kind=DeskLog, kinds=there)
    device, _ = await workshop.equip("ann")
    await other.hire("ann", Role.MASTER)
    with pytest.raises(PasskeyRefusedError):
        await other.enter(device)
    secret = await workshop.invited("ann")
    with pytest.raises(InvitationEndedError):
        await other.accept(secret, phone())
    theirs = phone()
    entered = await other.accept(await other.invited("ann"), theirs)
    assert isinstance(entered.person, OtherWorker)
    assert entered.code is not None
    with pytest.raises(RecoveryRefusedError):
        await workshop.sign_in.recover("ann", entered.code, network="n")
    assert (await other.enter(theirs)).person.may(Role.MASTER)
    assert not (await workshop.enter(device)).person.may(Role.MASTER)


async def test_options_ask_for_a_discoverable_credential_and_for_the_person(workshop: Workshop) -> None:
    await workshop.hire("cleo")
    _, ceremony = await workshop.sign_in.begin_accepting(await workshop.invited("cleo"))
    making = json.loads(ceremony.options)
    assert making["rp"]["id"] == RP_ID
    assert making["authenticatorSelection"]["residentKey"] == "required"
    assert making["authenticatorSelection"]["userVerification"] == "required"
    assert b"cleo" not in base64url_to_bytes(making["user"]["id"])
    asking = json.loads((await workshop.passkeys.begin_sign_in("browser")).options)
    assert (asking["rpId"], asking["userVerification"]) == (RP_ID, "required")
    assert not asking.get("allowCredentials")  # nobody is told which credentials there are


async def test_an_invitation_is_good_once(workshop: Workshop) -> None:
    await workshop.hire("cleo")
    secret = await workshop.invited("cleo")
    await workshop.accept(secret, phone())
    with pytest.raises(InvitationEndedError):
        await workshop.accept(secret, phone())
    assert len(await workshop.passkeys.of("cleo")) == 1


async def test_of_two_who_use_one_invitation_at_once_one_comes_too_late(workshop: Workshop) -> None:
    await workshop.hire("cleo")
    secret = await workshop.invited("cleo")
    outcomes = await asyncio.gather(
        workshop.accept(secret, phone()), (await workshop.elsewhere()).accept(secret, phone()), return_exceptions=True
    )
    assert sum(isinstance(outcome, RefusedError) for outcome in outcomes) == 1
    assert len(await workshop.passkeys.of("cleo")) == 1


@pytest.mark.parametrize("end", ["time", "newer", "blocked", "removed", "altered", "other"])
async def test_an_invitation_ends(workshop: Workshop, end: str) -> None:
    await workshop.hire("cleo")
    await workshop.hire("dan")
    secret = await workshop.invited("cleo")
    match end:
        case "time":
            workshop.clock.advance(days=3)
        case "newer":
            await workshop.invited("cleo")
        case "blocked":
            await workshop.people.block("cleo")
        case "removed":
            await workshop.people.remove("cleo")
        case "altered":
            secret = secret[:-1] + ("A" if secret[-1] != "A" else "B")
        case "other":
            await workshop.invited("dan")
            secret = "dan~" + secret.partition("~")[2]
    with pytest.raises(InvitationEndedError):
        await workshop.sign_in.begin_accepting(secret)


async def test_who_was_invited_and_removed_meanwhile_makes_no_passkey(workshop: Workshop) -> None:
    await workshop.hire("cleo")
    secret, device = await workshop.invited("cleo"), phone()
    _, ceremony = await workshop.sign_in.begin_accepting(secret)
    await workshop.people.remove("cleo")
    with pytest.raises(InvitationEndedError):
        await workshop.sign_in.accept(secret, ticket=ceremony.ticket, answer=device.make(ceremony.options), label="")
    assert await workshop.passkeys.of("cleo") == []


async def refuses_to_enter(workshop: Workshop, device: Authenticator) -> None:
    with pytest.raises(REFUSED):
        await workshop.enter(device)


async def test_refuses_another_origin(workshop: Workshop) -> None:
    device, _ = await workshop.equip("cleo")
    for origin in ("https://desk.example.test.evil.test", "http://desk.example.test", f"{ORIGIN}:8443", "null"):
        device.origin = origin
        await refuses_to_enter(workshop, device)
    device.origin = ORIGIN
    await workshop.enter(device)


async def test_refuses_another_relying_party(workshop: Workshop) -> None:
    device, _ = await workshop.equip("cleo")
    device.rp_id = "example.test"
    await refuses_to_enter(workshop, device)


async def test_refuses_a_page_within_another_sites_page(workshop: Workshop) -> None:
    device, _ = await workshop.equip("cleo")
    for told in ({"crossOrigin": True}, {"topOrigin": "https://evil.test"}):
        ceremony = await workshop.passkeys.begin_sign_in("browser")
        with pytest.raises(PasskeyRefusedError):
            await workshop.sign_in.by_passkey(
                "browser", ticket=ceremony.ticket, answer=device.sign(ceremony.options, **told)
            )


@pytest.mark.parametrize("flags", [PRESENT, 0, 0x04])
async def test_refuses_when_the_person_was_not_verified(workshop: Workshop, flags: int) -> None:
    device, _ = await workshop.equip("cleo")
    device.flags = flags
    await refuses_to_enter(workshop, device)
    other = phone()
    other.flags = flags
    with pytest.raises(PasskeyRefusedError):
        await workshop.accept(await workshop.invited("cleo"), other)
    assert len(await workshop.passkeys.of("cleo")) == 1


async def test_refuses_an_answer_that_was_sent_before(workshop: Workshop) -> None:
    device, _ = await workshop.equip("cleo")
    device.count = -1  # its counter stays 0, as those of most passkeys do: only the challenge is in the way
    ceremony = await workshop.passkeys.begin_sign_in("browser")
    answer = device.sign(ceremony.options)
    await workshop.sign_in.by_passkey("browser", ticket=ceremony.ticket, answer=answer)
    for again in (workshop, await workshop.elsewhere()):
        with pytest.raises(RefusedError, match="sent before"):
            await again.sign_in.by_passkey("browser", ticket=ceremony.ticket, answer=answer)
    fresh = await workshop.passkeys.begin_sign_in("browser")
    with pytest.raises(PasskeyRefusedError):
        await workshop.sign_in.by_passkey("browser", ticket=fresh.ticket, answer=answer)


async def test_refuses_the_challenge_of_another_browser_of_another_step_and_of_yesterday(workshop: Workshop) -> None:
    device, _ = await workshop.equip("cleo")
    person = await workshop.people.get("cleo")
    ceremony = await workshop.passkeys.begin_sign_in("theirs")
    answer = device.sign(ceremony.options)
    with pytest.raises(RefusedError, match="another page"):
        await workshop.sign_in.by_passkey("mine", ticket=ceremony.ticket, answer=answer)
    adding = await workshop.sign_in.begin_adding(person, "theirs")
    with pytest.raises(RefusedError, match="another page"):
        await workshop.sign_in.by_passkey("theirs", ticket=adding.ticket, answer=answer)
    with pytest.raises(RefusedError):
        await workshop.sign_in.add(person, "mine", ticket=adding.ticket, answer=phone().make(adding.options), label="")
    workshop.clock.advance(minutes=5)
    with pytest.raises(RefusedError, match="too long"):
        await workshop.sign_in.by_passkey("theirs", ticket=ceremony.ticket, answer=answer)


async def test_refuses_a_ticket_that_was_not_given_out(workshop: Workshop) -> None:
    device, _ = await workshop.equip("cleo")
    ceremony = await workshop.passkeys.begin_sign_in("browser")
    ends, nonce, code = ceremony.ticket.split(".")
    for ticket in (
        "",
        "x",
        f"{int(ends) + 9}.{nonce}.{code}",
        f"{ends}.{'0' * 32}.{code}",
        f"{ends}.{nonce}.{'0' * 64}",
    ):
        with pytest.raises(RefusedError):
            await workshop.sign_in.by_passkey("browser", ticket=ticket, answer=device.sign(ceremony.options))


async def test_refuses_another_persons_credential(workshop: Workshop) -> None:
    cleo, _ = await workshop.equip("cleo")
    dan, _ = await workshop.equip("dan")
    ceremony = await workshop.passkeys.begin_sign_in("browser")
    with pytest.raises(PasskeyRefusedError):  # Dan's device, with what Cleo is known by
        await workshop.sign_in.by_passkey(
            "browser", ticket=ceremony.ticket, answer=dan.sign(ceremony.options, handle=cleo.handle)
        )
    ceremony = await workshop.passkeys.begin_sign_in("browser")
    forged = json.loads(dan.sign(ceremony.options, handle=cleo.handle))
    forged["id"] = forged["rawId"] = bytes_to_base64url(cleo.credential_id)
    with pytest.raises(PasskeyRefusedError):  # Dan's signature, named as Cleo's
        await workshop.sign_in.by_passkey("browser", ticket=ceremony.ticket, answer=json.dumps(forged))
    with pytest.raises(PasskeyRefusedError, match="somebody's"):  # Cleo's credential, registered for Dan
        await workshop.accept(await workshop.invited("dan"), Authenticator(ORIGIN, RP_ID, cleo.key, cleo.credential_id))
    assert (await workshop.enter(cleo)).person.id == "cleo"


async def test_a_credential_stays_one_persons_after_it_was_removed(workshop: Workshop) -> None:
    device, entered = await workshop.equip("cleo")
    await workshop.hire("dan")
    await workshop.accept(await workshop.invited("cleo"), phone())
    [first, _] = await workshop.passkeys.of("cleo")
    await workshop.sign_in.remove_passkey(entered.person, first.id)
    await refuses_to_enter(workshop, device)
    with pytest.raises(PasskeyRefusedError, match="somebody's"):
        await workshop.accept(await workshop.invited("dan"), device)


async def test_refuses_a_counter_that_does_not_grow(workshop: Workshop) -> None:
    device, _ = await workshop.equip("cleo")
    await workshop.enter(device)
    copy = Authenticator(ORIGIN, RP_ID, device.key, device.credential_id, device.handle, device.count)
    await workshop.enter(device)
    await refuses_to_enter(workshop, copy)


async def test_removed_and_blocked_people_do_not_come_in_and_their_sessions_end(workshop: Workshop) -> None:
    device, entered = await workshop.equip("cleo")
    await workshop.people.block("cleo")
    assert not await workshop.sign_in.stands(await workshop.people.get("cleo"), entered.means)
    await refuses_to_enter(workshop, device)
    await workshop.people.unblock("cleo")
    await workshop.enter(device)
    await workshop.people.remove("cleo")
    assert not await workshop.sign_in.stands(await workshop.people.get("cleo"), entered.means)
    await refuses_to_enter(workshop, device)


async def test_several_passkeys_with_names_of_which_the_last_cannot_be_removed(workshop: Workshop) -> None:
    _, entered = await workshop.equip("cleo")
    person, second = entered.person, phone()
    ceremony = await workshop.sign_in.begin_adding(person, "session")
    assert len(json.loads(ceremony.options)["excludeCredentials"]) == 1
    added = await workshop.sign_in.add(
        person, "session", ticket=ceremony.ticket, answer=second.make(ceremony.options), label=""
    )
    assert (added.code, (await workshop.enter(second)).person) == (None, person)
    first, other = await workshop.passkeys.of("cleo")
    assert other.label == "Passkey 2"
    assert (await workshop.passkeys.rename(person, other.id, " Key in the safe ")).label == "Key in the safe"
    await workshop.sign_in.remove_passkey(person, first.id)
    assert not await workshop.sign_in.stands(person, f"passkey:{first.id}")
    with pytest.raises(RefusedError, match="last passkey"):
        await workshop.sign_in.remove_passkey(person, other.id)


async def test_of_two_passkeys_that_are_removed_at_once_one_stays(workshop: Workshop) -> None:
    _, entered = await workshop.equip("cleo")
    await workshop.accept(await workshop.invited("cleo"), phone())
    first, other = await workshop.passkeys.of("cleo")
    outcomes = await asyncio.gather(
        workshop.sign_in.remove_passkey(entered.person, first.id),
        (await workshop.elsewhere()).sign_in.remove_passkey(entered.person, other.id),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, RefusedError) for outcome in outcomes) == 1
    assert len(await workshop.passkeys.of("cleo")) == 1


async def test_nobody_touches_the_passkeys_of_others(workshop: Workshop) -> None:
    await workshop.equip("cleo")
    await workshop.equip("dan", Role.MASTER)
    [cleos] = await workshop.passkeys.of("cleo")
    dan = await workshop.people.get("dan")
    await workshop.accept(await workshop.invited("dan"), phone())
    for attempt in (
        workshop.passkeys.rename(dan, cleos.id, "Mine"),
        workshop.sign_in.remove_passkey(dan, cleos.id),
    ):
        with pytest.raises(NotFoundError):
            await attempt
    assert not await workshop.sign_in.stands(dan, f"passkey:{cleos.id}")


async def test_one_person_has_a_bounded_number_of_passkeys(workshop: Workshop) -> None:
    await workshop.equip("cleo")
    for _ in range(MAX_PASSKEYS - 1):
        await workshop.accept(await workshop.invited("cleo"), phone())
    with pytest.raises(RefusedError, match="at most"):
        await workshop.accept(await workshop.invited("cleo"), phone())


@pytest.mark.parametrize(
    "answer", ["", "{}", "[]", "null", '{"response": {}}', '{"id": 1, "response": {}}', "x" * 40_000, "[" * 9_000]
)
async def test_refuses_what_no_authenticator_says(workshop: Workshop, answer: str) -> None:
    ceremony = await workshop.passkeys.begin_sign_in("browser")
    with pytest.raises(RefusedError):
        await workshop.sign_in.by_passkey("browser", ticket=ceremony.ticket, answer=answer)


async def test_refuses_an_answer_that_was_altered_at_any_member(workshop: Workshop) -> None:
    device, _ = await workshop.equip("cleo")
    for name in ("clientDataJSON", "authenticatorData", "signature", "userHandle"):
        for value in (None, 7, "", "AAAA", "!", [], {}):
            ceremony = await workshop.passkeys.begin_sign_in("browser")
            answer = json.loads(device.sign(ceremony.options))
            answer["response"][name] = value
            with pytest.raises(RefusedError):
                await workshop.sign_in.by_passkey("browser", ticket=ceremony.ticket, answer=json.dumps(answer))


async def test_refuses_a_new_credential_that_was_altered(workshop: Workshop) -> None:
    await workshop.hire("cleo")
    secret = await workshop.invited("cleo")
    for name in ("clientDataJSON", "attestationObject"):
        for value in (None, 7, "", "AAAA", "!", [], {}):
            _, ceremony = await workshop.sign_in.begin_accepting(secret)
            answer = json.loads(phone().make(ceremony.options))
            answer["response"][name] = value
            with pytest.raises(RefusedError):
                await workshop.sign_in.accept(secret, ticket=ceremony.ticket, answer=json.dumps(answer), label="")
    await workshop.accept(secret, phone())


async def test_nothing_personal_is_in_the_plain_tables_and_strangers_leave_nothing(workshop: Workshop) -> None:
    await workshop.equip("cleo")
    before = await kept(workshop)
    for _ in range(20):
        await workshop.passkeys.begin_sign_in("browser")
        with pytest.raises(RefusedError):
            await workshop.enter(phone())
    assert await kept(workshop) == before
    assert all(word not in before for word in ("cleo", "Name of", "My phone"))
    async with workshop.profile.session() as session:
        assert len(await fetch_entries(session, Passkey.category)) == 1


async def kept(workshop: Workshop) -> str:
    engine = tables_of(workshop.profile).engine
    return str([await engine.run(f"SELECT * FROM {name} ORDER BY 1") for name in ("row", "word")])  # noqa: S608
