"""Places of a link: one each, no more than it has, references that no two share."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from types import SimpleNamespace

import pytest
from acapy_agent.core.profile import Profile
from acapy_agent.utils.testing import create_test_profile

from wanderbuch.agents.runtime.app import Call
from wanderbuch.agents.runtime.problems import MalformedError
from wanderbuch.agents.verifier.link_api import LINK_ROUTES
from wanderbuch.agents.verifier.links.applying import find_link, find_link_url
from wanderbuch.agents.verifier.links.link import (
    REFERENCES,
    Applicant,
    LinkOverError,
    Links,
    QuestionLink,
    link_events,
    reference,
)
from wanderbuch.errors import ExchangeError
from wanderbuch.store.event_kinds import EventKind
from wanderbuch.store.records import utc_now
from wanderbuch.store.tables import tables_of, tenant_of


@pytest.fixture
async def profile() -> AsyncIterator[Profile]:
    made = await create_test_profile({"wallet.type": "askar-anoncreds"})
    yield made
    await made.close()


def link(**changed: object) -> QuestionLink:
    fields: dict[str, object] = {
        "title": "Welders",
        "question": {},
        "invitation_url": "https://employer.wanderbuch.test?oob=e30",
        "short_url": "https://employer.wanderbuch.test/i/x",
        "closes_at": utc_now() + timedelta(hours=1),
        "most": 3,
        "offset": 17,
    }
    return QuestionLink.model_validate(fields | changed)


async def test_each_gets_a_place_of_their_own_and_no_more_than_there_are(profile: Profile) -> None:
    links, made = Links(profile), link()
    await links.add(made)
    found = await asyncio.gather(*(links.take_place(made.id, at=utc_now()) for _ in range(5)), return_exceptions=True)
    places = sorted(each[1] for each in found if not isinstance(each, BaseException))
    assert places == [0, 1, 2]
    assert sum(isinstance(each, LinkOverError) for each in found) == 2
    assert await find_link(profile, made.id) is None


@pytest.mark.parametrize(
    "over",
    [{"closes_at": utc_now() - timedelta(seconds=1)}, {"is_closed": True}, {"taken": 3}],
    ids=["past its end", "closed", "full"],
)
async def test_a_link_that_is_over_is_not_found(profile: Profile, over: dict[str, object]) -> None:
    links, made, still = Links(profile), link(**over), link()
    for each in (made, still):
        await links.add(each)
    assert await find_link(profile, made.id) is None
    assert await find_link_url(profile, made.id) is None
    invited = await find_link(profile, still.id)
    assert invited is not None
    assert invited.reusable
    assert await find_link_url(profile, still.id) == still.invitation_url
    with pytest.raises(LinkOverError):
        await links.take_place(made.id, at=utc_now())


async def test_what_stands_at_a_place_is_noted_once(profile: Profile) -> None:
    links, made = Links(profile), link()
    await links.add(made)
    await links.note(made.id, 0, "question", "K7-42", free_at=utc_now())
    await links.note(made.id, 0, "another", "K7-43", free_at=utc_now())
    applicant = await links.at_place(made.id, 0)
    assert applicant is not None
    assert (applicant.question_id, applicant.ref) == ("question", "K7-42")
    assert await links.at_place(made.id, 1) is None


def test_references_are_short_all_different_and_do_not_tell_how_many_came_before() -> None:
    found = [reference(place, offset=4711) for place in range(REFERENCES)]
    assert len(set(found)) == REFERENCES
    assert all(len(each) == 5 and each[2] == "-" and each[0] not in "IO" for each in found)
    assert found[0][0] != found[1][0]


async def test_a_place_that_is_given_back_is_given_to_somebody_else_once(profile: Profile) -> None:
    links, made, now = Links(profile), link(most=1), utc_now()
    await links.add(made)

    async def lost(_: Applicant) -> bool:
        return True

    await links.take_place(made.id, at=now)
    await links.note(made.id, 0, "asked", "A2-10", free_at=now + timedelta(minutes=5))
    await links.free(now, lost)
    assert not (await links.get(made.id)).is_open(now)  # its time is not over
    for _ in range(2):
        await links.free(now + timedelta(minutes=6), lost)
    freed = await links.get(made.id)
    assert (freed.taken, freed.freed, freed.in_use, freed.is_full) == (1, 1, 0, False)
    _, place = await links.take_place(made.id, at=now)
    assert place == 1  # under another reference
    with pytest.raises(LinkOverError):
        await links.take_place(made.id, at=now)


async def test_a_place_that_is_not_lost_stays(profile: Profile) -> None:
    links, made, now = Links(profile), link(most=1), utc_now()
    await links.add(made)

    async def kept(_: Applicant) -> bool:
        return False

    await links.take_place(made.id, at=now)
    await links.note(made.id, 0, "asked", "A2-10", free_at=now)
    await links.free(now + timedelta(minutes=6), kept)
    assert (await links.get(made.id)).in_use == 1


async def test_a_link_runs_out_of_references_however_many_places_are_given_back(profile: Profile) -> None:
    links, made = Links(profile), link(taken=REFERENCES, freed=REFERENCES)
    await links.add(made)
    assert made.in_use == 0
    with pytest.raises(LinkOverError):
        await links.take_place(made.id, at=utc_now())


async def test_more_may_apply_when_whoever_asks_says_so(profile: Profile) -> None:
    links, made = Links(profile), link(most=1)
    await links.add(made)
    await links.take_place(made.id, at=utc_now())
    for _ in range(2):
        await links.widen(made.id, 2)
    with pytest.raises(ExchangeError, match="at least the 2"):
        await links.widen(made.id, 1)
    assert (await links.take_place(made.id, at=utc_now()))[1] == 1


async def test_whoever_asks_is_told_once_that_a_link_is_full_and_again_when_a_wider_one_is(profile: Profile) -> None:
    links, made = Links(profile), link(most=1)
    await links.add(made)
    assert link_events(await links.get(made.id)) == ()
    await links.take_place(made.id, at=utc_now())
    (full,) = link_events(await links.get(made.id))
    assert (full.kind, full.subject, full.body, full.occasion) == (EventKind.LINK_FULL, made.id, {"most": 1}, "1")
    await links.widen(made.id, 2)
    assert link_events(await links.get(made.id)) == ()
    await links.take_place(made.id, at=utc_now())
    (wider,) = link_events(await links.get(made.id))
    assert wider.occasion == "2"
    told = await tables_of(profile).events.read(tenant_of(profile), 0, 10)
    assert [(entry.kind, entry.subject) for entry in told] == [(EventKind.LINK_FULL.value, made.id)] * 2


@pytest.mark.parametrize("cursor", ["-1", "01", "x", "9999999"])
async def test_a_cursor_that_was_not_given_out_is_refused(profile: Profile, cursor: str) -> None:
    links, made = Links(profile), link()
    await links.add(made)
    (route,) = (route for route in LINK_ROUTES if route.path == "/links/{id}/applicants")
    with pytest.raises(MalformedError):
        await route.handler(SimpleNamespace(links=links), Call({"id": made.id}, {"cursor": cursor}, None))
