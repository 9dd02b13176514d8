"""Places of a link: one each, no more than it has, references that no two share."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from types import SimpleNamespace

import pytest
from acapy_agent.core.profile import Profile
from tests.memory_wallet import memory_wallet

from wanderbuch.agents.runtime.app import Call
from wanderbuch.agents.runtime.problems import MalformedError
from wanderbuch.agents.verifier.desk_log import DeskAct, DeskLog
from wanderbuch.agents.verifier.link_api import LINK_ROUTES
from wanderbuch.agents.verifier.links.applying import find_link, find_link_url
from wanderbuch.agents.verifier.links.link import (
    REFERENCES,
    Applicant,
    LinkOverError,
    Links,
    PlaceFate,
    QuestionLink,
    link_events,
    reference,
)
from wanderbuch.errors import ExchangeError
from wanderbuch.plugins.exchange.handling import Invited
from wanderbuch.store.errors import StoreError
from wanderbuch.store.event_kinds import EventKind
from wanderbuch.store.records import utc_now
from wanderbuch.store.tables import tables_of, tenant_of
from wanderbuch.store.writing import writing


@pytest.fixture
async def profile() -> AsyncIterator[Profile]:
    made = await memory_wallet()
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
    outcomes = await asyncio.gather(
        *(links.take_place(made.id, at=utc_now()) for _ in range(5)), return_exceptions=True
    )
    places = sorted(outcome[1] for outcome in outcomes if not isinstance(outcome, BaseException))
    assert places == [0, 1, 2]
    assert sum(isinstance(outcome, LinkOverError) for outcome in outcomes) == 2


@pytest.mark.parametrize(
    ("over", "is_told"),
    [({"closes_at": utc_now() - timedelta(seconds=1)}, False), ({"is_closed": True}, True), ({"taken": 3}, True)],
    ids=["past its end", "closed", "full"],
)
async def test_by_a_link_that_is_over_nobody_begins_and_who_comes_before_its_end_is_told(
    profile: Profile, over: dict[str, object], *, is_told: bool
) -> None:
    links, made, still = Links(profile), link(**over), link()
    for added in (made, still):
        await links.add(added)
    assert await find_link(profile, made.id) == (Invited(reusable=True, is_over=True) if is_told else None)
    assert await find_link_url(profile, made.id) is None
    invited = await find_link(profile, still.id)
    assert invited == Invited(reusable=True)
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
    references = [reference(place, offset=4711) for place in range(REFERENCES)]
    assert len(set(references)) == REFERENCES
    assert all(len(text) == 5 and text[2] == "-" and text[0] not in "IO" for text in references)
    assert references[0][0] != references[1][0]


async def test_a_place_that_is_given_back_is_given_to_somebody_else_once(profile: Profile) -> None:
    links, made, now = Links(profile), link(most=1), utc_now()
    await links.add(made)

    async def lost(_: Applicant) -> PlaceFate:
        return PlaceFate.LOST

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

    async def kept(_: Applicant) -> PlaceFate:
        return PlaceFate.KEPT

    await links.take_place(made.id, at=now)
    await links.note(made.id, 0, "asked", "A2-10", free_at=now)
    await links.free(now + timedelta(minutes=6), kept)
    assert (await links.get(made.id)).in_use == 1


async def test_a_place_is_given_back_once_by_two_who_look_at_it(profile: Profile) -> None:
    """A process that slept after it claimed a place goes on when another one has given it back."""
    links, made, now = Links(profile), link(most=1), utc_now()
    await links.add(made)
    await links.take_place(made.id, at=now)
    await links.note(made.id, 0, "asked", "A2-10", free_at=now)

    async def lost_meanwhile(applicant: Applicant) -> PlaceFate:
        async with writing(profile) as records:
            await records.replace(applicant.model_copy(update={"free_at": None}))
            await records.replace((await records.get(QuestionLink, made.id)).model_copy(update={"freed": 1}))
        return PlaceFate.LOST

    await links.free(now + timedelta(minutes=6), lost_meanwhile)
    assert (await links.get(made.id)).freed == 1


async def test_a_place_that_was_erased_meanwhile_holds_up_no_other(profile: Profile) -> None:
    links, made, now = Links(profile), link(most=2), utc_now()
    await links.add(made)
    for place in range(2):
        await links.take_place(made.id, at=now)
        await links.note(made.id, place, f"asked {place}", "A2-10", free_at=now + timedelta(seconds=place))

    async def first_is_erased(applicant: Applicant) -> PlaceFate:
        if applicant.question_id == "asked 0":
            await links.forget_place(made.id, 0)
        return PlaceFate.LOST

    await links.free(now + timedelta(minutes=6), first_is_erased)
    assert (await links.get(made.id)).freed == 1


async def test_what_somebody_does_with_a_link_and_the_line_about_it_are_both_there_or_neither(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = DeskLog(profile, clock=utc_now)
    links, made = Links(profile, log), link(made_by="m.borg")
    await links.add(made)
    append = log._log.append

    async def cut(*_: object, **__: object) -> bool:
        raise StoreError("the process died")

    monkeypatch.setattr(log._log, "append", cut)
    for act in (
        links.add(link(made_by="m.borg")),
        links.widen(made.id, 9, by="m.borg"),
        links.close(made.id, by="m.b"),
    ):
        with pytest.raises(StoreError):
            await act
    assert [one.id for one in (await links.page()).items] == [made.id]
    assert await links.get(made.id) == made
    monkeypatch.setattr(log._log, "append", append)
    for _ in range(2):  # two clicks
        await links.widen(made.id, 9, by="m.borg")
        await links.close(made.id, by="m.borg")
    told = [(entry.act, entry.by, entry.what) for entry in reversed(await log.entries())]
    acts = (DeskAct.LINK_MADE, DeskAct.LINK_WIDENED, DeskAct.LINK_CLOSED)
    assert told == [(act, "m.borg", made.id) for act in acts]
    assert (await links.get(made.id)).most == 9


async def test_a_link_is_closed_while_many_apply_by_it(profile: Profile) -> None:
    links, made = Links(profile, DeskLog(profile, clock=utc_now)), link(made_by="m.borg", most=40)
    await links.add(made)
    applying = [links.take_place(made.id, at=utc_now()) for _ in range(8)]
    await asyncio.gather(links.close(made.id, by="m.borg"), *applying, return_exceptions=True)
    assert (await links.get(made.id)).is_closed


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
