"""People of a tenant: who lets them in and out, and who cannot be locked out."""

import asyncio
import json

import pytest
from tests.unit.people.conftest import Role, Workshop, phone

from wanderbuch.agents.people.person import Standing
from wanderbuch.agents.runtime.problems import ForbiddenError, RefusedError
from wanderbuch.store.records import DuplicateError


async def test_an_administrator_lets_people_in_blocks_them_and_lets_them_in_again(workshop: Workshop) -> None:
    await workshop.hire("mia", Role.MASTER)
    added, token = await workshop.people.add("cleo", name="Cleo", roles=[Role.CLERK], by="mia")
    assert await workshop.people.by_token(token) == added
    blocked = await workshop.people.block("cleo", by="mia")
    assert (blocked.standing, await workshop.people.by_token(token)) == (Standing.BLOCKED, None)
    with pytest.raises(ForbiddenError):
        blocked.must(Role.CLERK)
    assert await workshop.people.block("cleo", by="mia") == blocked
    back = await workshop.people.unblock("cleo", by="mia")
    assert await workshop.people.by_token(token) == back
    back.must(Role.CLERK)


@pytest.mark.parametrize("by", ["cleo", "nobody", "gone", "blocked", ""])
async def test_nobody_else_lets_people_in_or_out(workshop: Workshop, by: str) -> None:
    for name, role in (("mia", Role.MASTER), ("cleo", Role.CLERK), ("gone", Role.MASTER), ("blocked", Role.MASTER)):
        await workshop.hire(name, role)
    await workshop.people.remove("gone")
    await workshop.people.block("blocked")
    people = workshop.people
    for attempt in (
        people.add("friend", name="Friend", roles=[Role.MASTER], by=by),
        people.add_without_token("friend", name="Friend", roles=[Role.MASTER], by=by),
        people.change("cleo", roles=[Role.MASTER], by=by),
        people.change("cleo", name="Boss", by=by),
        people.block("mia", by=by),
        people.unblock("blocked", by=by),
        people.remove("mia", by=by),
        people.renew_token("mia", by=by),
        workshop.sign_in.invitations.make("mia", by=by),
    ):
        with pytest.raises(ForbiddenError):
            await attempt


async def test_the_last_administrator_cannot_lock_himself_out(workshop: Workshop) -> None:
    await workshop.people.add("mia", name="Mia", roles=[Role.MASTER])
    await workshop.equip("max", Role.MASTER)
    await workshop.people.block("max", by="mia")  # blocked, so no help
    for attempt in (
        workshop.people.change("mia", roles=[Role.CLERK], by="mia"),
        workshop.people.block("mia", by="mia"),
        workshop.people.remove("mia", by="mia"),
    ):
        with pytest.raises(RefusedError, match="the last with the role master"):
            await attempt
    await workshop.people.unblock("max", by="mia")
    assert (await workshop.people.remove("mia", by="mia")).standing is Standing.REMOVED


async def test_an_administrator_who_has_yet_to_accept_an_invitation_is_not_one_who_stays(workshop: Workshop) -> None:
    await workshop.equip("mia", Role.MASTER)
    await workshop.people.add_without_token("max", name="Max", roles=[Role.MASTER], by="mia")
    invited = await workshop.invited("max")
    for attempt in (
        workshop.people.change("mia", roles=[Role.CLERK], by="mia"),
        workshop.people.block("mia", by="mia"),
        workshop.people.remove("mia", by="mia"),
    ):
        with pytest.raises(RefusedError, match="the last with the role master who can sign in"):
            await attempt
    await workshop.accept(invited, phone())
    assert (await workshop.people.remove("mia", by="mia")).standing is Standing.REMOVED


async def test_an_administrator_with_a_token_stays(workshop: Workshop) -> None:
    await workshop.equip("mia", Role.MASTER)
    await workshop.people.add("max", name="Max", roles=[Role.MASTER], by="mia")
    assert (await workshop.people.remove("mia", by="mia")).standing is Standing.REMOVED


async def test_two_administrators_who_remove_each_other_at_once_leave_one(workshop: Workshop) -> None:
    await workshop.equip("mia", Role.MASTER)
    await workshop.equip("max", Role.MASTER)
    other = await workshop.elsewhere()
    outcomes = await asyncio.gather(
        workshop.people.remove("max", by="mia"), other.people.remove("mia", by="max"), return_exceptions=True
    )
    left = [worker for worker in await workshop.people.all() if worker.may(Role.MASTER)]
    assert len(left) == 1
    assert sum(isinstance(outcome, ForbiddenError | RefusedError) for outcome in outcomes) == 1


async def test_the_operator_may_remove_the_last_administrator_since_another_can_be_added(workshop: Workshop) -> None:
    await workshop.hire("mia", Role.MASTER)
    await workshop.people.remove("mia")
    await workshop.hire("max", Role.MASTER)


async def test_an_id_is_never_given_twice(workshop: Workshop) -> None:
    await workshop.hire("cleo")
    await workshop.people.remove("cleo")
    with pytest.raises(DuplicateError):
        await workshop.hire("cleo")
    for attempt in (workshop.people.unblock("cleo"), workshop.people.change("cleo", roles=[Role.MASTER])):
        with pytest.raises(RefusedError, match="was removed"):
            await attempt


async def test_every_change_is_a_line_of_the_log_by_id_and_never_by_name(workshop: Workshop) -> None:
    await workshop.people.add("mia", name="Mia", roles=[Role.MASTER])
    await workshop.hire("cleo")
    await workshop.people.change("cleo", roles=[Role.CLERK, Role.MASTER], by="mia")
    await workshop.people.change("cleo", name="Secret", by="mia")
    await workshop.people.renew_token("cleo", by="mia")
    await workshop.sign_in.invitations.make("cleo", by="mia")
    await workshop.people.block("cleo", by="mia")
    await workshop.people.unblock("cleo", by="mia")
    await workshop.people.remove("cleo", by="mia")
    lines = [json.loads(line) for line in await workshop.log.lines()]
    assert [(line["who"], line["action"], line["what"]) for line in lines] == [
        ("operator", "added", "mia: master"),
        ("operator", "added", "cleo: clerk"),
        ("mia", "changed", "cleo: master and clerk"),
        ("mia", "changed", "cleo: new name"),
        ("mia", "changed", "cleo: new token"),
        ("mia", "changed", "cleo: invited"),
        ("mia", "changed", "cleo: blocked"),
        ("mia", "changed", "cleo: let in again"),
        ("mia", "removed", "cleo"),
    ]
    assert [line["n"] for line in lines] == list(range(9))
    assert "Name of" not in str(lines)
    assert "Secret" not in str(lines)
