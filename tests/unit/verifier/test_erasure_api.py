"""Erasing by REST: whoever calls while another process erases the same is told what became of it."""

import pytest
from tests.memory_wallet import memory_wallet
from tests.unit.verifier_pages.place import open_place

from wanderbuch.agents.runtime.app import Call
from wanderbuch.agents.verifier.erasure_api import ERASURE_ROUTES
from wanderbuch.agents.verifier.putting import put_in_words
from wanderbuch.agents.verifier.questions.document import WordedQuestion

WELDER = {"place": "Malta", "credentials": [{"ask": "qualification", "occupation": "welder"}], "subject": "none"}


async def test_who_finds_it_erased_between_two_looks_is_answered_as_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    profile = await memory_wallet()
    office = (await open_place(profile)).office
    (erase,) = [route.handler for route in ERASURE_ROUTES if route.path == "/requests/{id}/erase"]
    made = await put_in_words(office, WordedQuestion.model_validate(WELDER))
    call = Call[None]({"id": made.id}, {}, None)
    first = await erase(office, call)

    find, looks = office.eraser.find, 0

    async def not_yet(erasure_id: str) -> object:
        nonlocal looks
        looks += 1
        return None if looks == 1 else await find(erasure_id)

    monkeypatch.setattr(office.eraser, "find", not_yet)
    assert await erase(office, call) == first
    await profile.close()
