"""Recovery codes: shown once, good once, replaced, and tried a few times only."""

import asyncio

import pytest
from tests.unit.people.conftest import Workshop, phone

from wanderbuch.agents.people.account import Account
from wanderbuch.agents.people.sign_in import RecoveryRefusedError
from wanderbuch.agents.people.tries import A_NETWORK, A_PERSON, WINDOW_S, TooManyTriesError
from wanderbuch.agents.runtime.problems import RefusedError
from wanderbuch.store.entries import fetch_entries

HOME, AWAY = "203.0.113.0/24", "198.51.100.0/24"


async def code_of(workshop: Workshop, person_id: str) -> str:
    code = (await workshop.equip(person_id))[1].code
    assert code is not None
    return code


async def test_a_code_lets_its_person_in_once_and_is_replaced(workshop: Workshop) -> None:
    code = await code_of(workshop, "cleo")
    entered = await workshop.sign_in.recover(" Cleo ", code.upper().replace("-", " "), network=HOME)
    assert entered.person.id == "cleo"
    assert await workshop.sign_in.stands(entered.person, entered.means)
    with pytest.raises(RecoveryRefusedError):
        await workshop.sign_in.recover("cleo", code, network=HOME)
    assert entered.code not in {None, code}
    again = await workshop.sign_in.recover("cleo", str(entered.code), network=HOME)
    assert not await workshop.sign_in.stands(entered.person, entered.means)  # the session of the code before
    assert await workshop.sign_in.stands(again.person, again.means)


async def test_of_two_who_use_one_code_at_once_one_comes_in(workshop: Workshop) -> None:
    code = await code_of(workshop, "cleo")
    other = await workshop.elsewhere()
    outcomes = await asyncio.gather(
        workshop.sign_in.recover("cleo", code, network=HOME),
        other.sign_in.recover("cleo", code, network=AWAY),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, RefusedError) for outcome in outcomes) == 1


async def test_a_code_is_kept_as_a_hash_only(workshop: Workshop) -> None:
    code = await code_of(workshop, "cleo")
    async with workshop.profile.session() as session:
        entries = await fetch_entries(session, Account.category)
    assert len(entries) == 1
    assert all(
        code not in entry.value.decode() and code.replace("-", "") not in entry.value.decode() for entry in entries
    )


async def test_a_new_code_ends_the_old_one_and_a_session_by_code_goes_on(workshop: Workshop) -> None:
    code = await code_of(workshop, "cleo")
    entered = await workshop.sign_in.recover("cleo", code, network=HOME)
    renewed = await workshop.sign_in.renew_code(entered.person, entered.means)
    assert await workshop.sign_in.stands(entered.person, renewed.means)
    with pytest.raises(RecoveryRefusedError):
        await workshop.sign_in.recover("cleo", str(entered.code), network=HOME)
    kept = await workshop.sign_in.renew_code(entered.person, "passkey:x")
    assert kept.means == "passkey:x"
    await workshop.sign_in.recover("cleo", str(kept.code), network=HOME)


async def test_a_further_passkey_leaves_the_code_as_it_is(workshop: Workshop) -> None:
    code = await code_of(workshop, "cleo")
    assert (await workshop.accept(await workshop.invited("cleo"), phone())).code is None
    await workshop.sign_in.recover("cleo", code, network=HOME)


async def test_refuses_another_persons_code_and_people_who_are_not_let_in(workshop: Workshop) -> None:
    code = await code_of(workshop, "cleo")
    await code_of(workshop, "dan")
    await workshop.hire("new")
    for person_id in ("dan", "new", "nobody", "", "operator"):
        with pytest.raises(RecoveryRefusedError):
            await workshop.sign_in.recover(person_id, code, network=HOME)
    await workshop.people.block("cleo")
    with pytest.raises(RecoveryRefusedError):
        await workshop.sign_in.recover("cleo", code, network=HOME)


async def test_tries_are_bounded_a_person_and_begin_anew(workshop: Workshop) -> None:
    code = await code_of(workshop, "cleo")
    for at in range(A_PERSON):
        with pytest.raises(RecoveryRefusedError):
            await workshop.sign_in.recover("cleo", "wrong", network=f"network {at}")
    with pytest.raises(TooManyTriesError):
        await workshop.sign_in.recover("cleo", code, network=HOME)
    workshop.clock.advance(seconds=WINDOW_S + 1)
    await workshop.sign_in.recover("cleo", code, network=HOME)


async def test_tries_are_bounded_a_network_and_other_networks_are_let_in(workshop: Workshop) -> None:
    code = await code_of(workshop, "cleo")
    for at in range(A_NETWORK):
        with pytest.raises(RecoveryRefusedError):
            await workshop.sign_in.recover(f"p{at}", "wrong", network=AWAY)
    with pytest.raises(TooManyTriesError):
        await workshop.sign_in.recover("cleo", code, network=AWAY)
    await workshop.sign_in.recover("cleo", code, network=HOME)


async def test_who_tries_an_id_too_often_does_not_learn_whether_it_is_somebodys(workshop: Workshop) -> None:
    await code_of(workshop, "cleo")
    for named in ("cleo", "nobody", "operator", ""):
        for at in range(A_PERSON):
            with pytest.raises(RecoveryRefusedError):
                await workshop.sign_in.recover(named, "wrong", network=f"network {named} {at}")
        with pytest.raises(TooManyTriesError):
            await workshop.sign_in.recover(named, "wrong", network=HOME)
