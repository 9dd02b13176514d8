"""A call with an `Idempotency-Key` lets in one person, and says the same token again, which is kept nowhere."""

from collections.abc import Awaitable, Callable

import pytest
from tests.unit.authority.conftest import World, world  # noqa: F401 (a fixture)

from wanderbuch.agents.authority.officials import Official, OfficialRole
from wanderbuch.agents.people.adding import add_invited_once, add_once, renew_once
from wanderbuch.agents.runtime.app import ApiModel, MadeAndGoneError, Once
from wanderbuch.agents.runtime.idempotency import UsedKey, answered_once
from wanderbuch.agents.runtime.problems import MalformedError, RefusedError
from wanderbuch.store.entries import fetch_entries
from wanderbuch.store.records import DuplicateError

KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"
OTHER_KEY = "a-key-of-another-call-0"
EDITOR = OfficialRole.EDITOR


class Told(ApiModel):
    id: str
    token: str | None = None


class Door:
    """The routes that let people in, as far as keys go."""

    def __init__(self, world: World) -> None:  # noqa: F811
        self.world, self.officials = world, world.desk().officials
        self.are_in: list[str] = []

    async def is_in(self, person: Official) -> bool:
        return person.id in self.are_in

    async def sent(self, make: Callable[[Once], Awaitable[Told]], key: str, route: str = "POST /officials") -> Told:
        return await answered_once(
            self.world.profile, key, place=route, caller="operator", body=Told(id="perera"), make=make
        )

    async def add(self, key: str = KEY, name: str = "E. Perera") -> Told:
        async def make(once: Once) -> Told:
            person, token = await add_once(
                self.officials, "perera", name=name, roles={EDITOR}, by="operator", once=once
            )
            return Told(id=person.id, token=token)

        return await self.sent(make, key)

    async def invite(self, key: str = KEY) -> Told:
        async def make(once: Once) -> Told:
            person = await add_invited_once(
                self.officials,
                "perera",
                name="E. Perera",
                roles={EDITOR},
                by="operator",
                once=once,
                is_in=self.is_in,
            )
            return Told(id=person.id)

        return await self.sent(make, key)

    async def renew(self, key: str, *, cut: bool = False) -> Told:
        async def make(once: Once) -> Told:
            person, token = await renew_once(self.officials, "perera", by="operator", once=once)
            if cut:
                raise OSError("the process is killed")
            return Told(id=person.id, token=token)

        return await self.sent(make, key, "POST /officials/perera/token")


@pytest.fixture
def door(world: World) -> Door:  # noqa: F811
    return Door(world)


async def test_the_same_call_lets_in_one_person_with_one_token(door: Door) -> None:
    first, again = await door.add(), await door.add()
    assert first == again
    person = await door.officials.by_token(first.token or "")
    assert person is not None
    assert person.id == "perera"
    assert len(first.token or "") >= 43  # 256 bits


async def test_another_call_for_the_same_id_is_refused_and_learns_no_token(door: Door) -> None:
    await door.add()
    with pytest.raises(DuplicateError):
        await door.add(OTHER_KEY)
    with pytest.raises(DuplicateError):
        await door.invite(OTHER_KEY)


async def test_a_token_is_kept_nowhere_and_does_not_follow_from_what_is(door: Door) -> None:
    token = (await door.add()).token or ""
    async with door.world.profile.session() as session:
        entries = [*await fetch_entries(session, UsedKey.category), *await fetch_entries(session, Official.category)]
    assert entries
    assert all(token not in entry.value.decode() and KEY not in entry.value.decode() for entry in entries)
    await door.officials.renew_token("perera")
    with pytest.raises(DuplicateError):  # it is not theirs any more
        await door.add()
    assert await door.officials.by_token(token) is None


async def test_who_is_invited_by_the_same_call_is_one_person(door: Door) -> None:
    assert await door.invite() == await door.invite()
    await door.officials.block("perera")
    with pytest.raises(DuplicateError):
        await door.invite()


async def test_who_is_in_gets_no_second_link_by_the_call_that_invited_them(door: Door) -> None:
    await door.invite()
    door.are_in.append("perera")
    with pytest.raises(MadeAndGoneError, match="was used"):
        await door.invite()


async def test_no_token_is_made_of_a_key_that_a_reader_of_the_store_could_guess(door: Door) -> None:
    """The store has the other part of the secret, so short keys could all be tried."""
    guessable = OTHER_KEY[:21]
    with pytest.raises(MalformedError, match="22 characters"):
        await door.add(guessable)
    assert "perera" not in {person.id for person in await door.officials.all()}
    await door.add()
    with pytest.raises(MalformedError, match="22 characters"):
        await door.renew(guessable)
    assert (await door.renew(OTHER_KEY[:22])).token


async def test_a_new_token_is_given_once_also_after_a_crash_and_never_again_after_another(door: Door) -> None:
    await door.officials.add("perera", name="E. Perera", roles={EDITOR})
    with pytest.raises(OSError, match="killed"):
        await door.renew(KEY, cut=True)
    changes = (await door.officials.get("perera")).changes
    token = (await door.renew(KEY)).token or ""
    assert (await door.officials.get("perera")).changes == changes  # one line in the log
    assert (await door.renew(KEY)).token == token
    other = (await door.renew(OTHER_KEY)).token or ""
    with pytest.raises(MadeAndGoneError):
        await door.renew(KEY)
    assert await door.officials.by_token(other) is not None
    await door.officials.remove("perera")
    with pytest.raises((RefusedError, MadeAndGoneError)):
        await door.renew(OTHER_KEY)
