"""Payloads are kept until they are acknowledged, and of two tries one is ever sent."""

import asyncio
import base64
import json
import secrets
import zlib
from collections.abc import AsyncIterator

import pytest
from tests.postgresql import ENGINES
from tests.unit.store.opening import Processes

from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.plugins.exchange.json_text import to_json
from wanderbuch.plugins.exchange.payloads import Payload, Payloads, removing
from wanderbuch.store.errors import DuplicateError

ONE = Payload({"@type": "x", "values": {"name": "Perera"}}, {"index": 4})


@pytest.fixture(params=ENGINES)
async def processes(request: pytest.FixtureRequest, agent_config: AgentConfig) -> AsyncIterator[Processes]:
    database = None if request.param == "sqlite" else request.getfixturevalue("database_with_store")
    made = Processes(agent_config, database)
    yield made
    await made.end()


async def test_a_payload_is_found_as_it_was_kept_until_it_is_removed(processes: Processes) -> None:
    payloads = Payloads(await processes.another())
    assert await payloads.find("one") is None
    await payloads.keep("one", ONE)
    assert await payloads.find("one") == ONE
    assert await payloads.find("other") is None
    for _ in range(2):
        await payloads.remove("one")
    assert await payloads.find("one") is None


async def test_of_two_payloads_of_one_name_the_first_is_kept(processes: Processes) -> None:
    first = await processes.another()
    second = first if processes.database is None else await processes.another()
    for number in range(8):
        tries = (
            Payloads(profile).keep(str(number), Payload({"by": who})) for profile, who in ((first, "a"), (second, "b"))
        )
        told = await asyncio.gather(*tries, return_exceptions=True)
        assert sorted(isinstance(outcome, DuplicateError) for outcome in told) == [False, True]
        kept = await Payloads(second).find(str(number))
        assert kept == Payload({"by": "a" if told[0] is None else "b"})


def test_a_credential_takes_less_than_half_of_what_is_sent() -> None:
    numbers = json.dumps({str(number): secrets.randbelow(10**600) for number in range(12)})
    payload = attached_to(base64.b64encode(numbers.encode()).decode())
    assert len(payload.to_bytes()) < 0.5 * len(to_json(payload.message))
    assert Payload.read(payload.to_bytes()) == payload


async def test_removing_goes_with_an_open_session(processes: Processes) -> None:
    profile = await processes.another()
    await Payloads(profile).keep("one", ONE)
    async with profile.session() as session:
        await removing("one")(session.handle)
    assert await Payloads(profile).find("one") is None


def test_a_payload_shows_nothing_of_its_message_when_it_is_printed() -> None:
    assert "Perera" not in repr(ONE)


def attached_to(encoded: object, *more: object) -> Payload:
    return Payload({"@type": "x", "credentials~attach": [{"@id": "a", "data": {"base64": encoded}}, *more]}, {"n": 1})


@pytest.mark.parametrize("text", ['{"name":"Perera"}', "\0 and \0", "é"])
def test_what_is_attached_is_kept_as_it_is_and_comes_back_as_it_was(text: str) -> None:
    payload = attached_to(base64.b64encode(text.encode()).decode(), {"@id": "b", "data": {"json": {}}})
    assert zlib.decompress(payload.to_bytes().partition(b"\0")[2]) == text.encode()
    assert Payload.read(payload.to_bytes()) == payload


@pytest.mark.parametrize("encoded", ["", "YQ", "YQ=!", "YR==", "_-8=", None, 7])
def test_what_would_not_come_back_as_it_was_is_left_where_it_is(encoded: object) -> None:
    payload = attached_to(encoded)
    assert b"\0" not in payload.to_bytes()
    assert Payload.read(payload.to_bytes()) == payload
