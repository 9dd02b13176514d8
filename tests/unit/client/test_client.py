"""The client without an agent: streams, webhooks, questions as the agent's own schema has them."""

import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, get_args, get_type_hints

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from wanderbuch.agents.runtime.webhooks.signing import new_secret, signed_headers
from wanderbuch.agents.verifier.answers import FactOutcome
from wanderbuch.agents.verifier.models import RequestState
from wanderbuch.agents.verifier.questions.document import (
    ExperienceIn,
    KeepIn,
    LanguageIn,
    LevelIn,
    QualificationIn,
    WordedQuestion,
)
from wanderbuch.client import (
    ApiError,
    Event,
    Experience,
    Fact,
    Keep,
    Language,
    Level,
    Qualification,
    Question,
    SignatureMismatchError,
    UnreachableError,
    VerifierClient,
    verified_event,
)
from wanderbuch.client.models import Category, State
from wanderbuch.client.models import Verdict as ClientVerdict
from wanderbuch.client.streaming import MissedEventsError, read_events
from wanderbuch.governance.facts.question import Verdict
from wanderbuch.plugins.trust.verifying.answer_terms import AnswerCategory

AT = datetime(2026, 11, 28, 6, tzinfo=UTC)
BODY = (
    b'{"type":"request.decided","timestamp":"2026-11-28T06:00:00Z","data":{"tenant":"default","number":18,'
    b'"at":"2026-11-28T06:00:00Z","kind":"request.decided","subject":"7a0f","body":{"verdict":"TRUSTED"}}}'
)


def delivery(secret: str, body: bytes = BODY, *, at: datetime = AT) -> dict[str, str]:
    return dict(signed_headers([secret], "evt_7a0f_18", int(at.timestamp()), body))


@pytest.mark.parametrize("spelt", [str.lower, str.title])
def test_takes_a_delivery_that_the_agent_signed(spelt: Any) -> None:
    secret = new_secret()
    headers = {spelt(name): value for name, value in delivery(secret).items()}
    event = verified_event(secret, headers, BODY, at=AT + timedelta(minutes=4))
    assert (event.number, event.kind, event.body) == (18, "request.decided", {"verdict": "TRUSTED"})


def test_takes_one_of_two_signatures_while_a_secret_is_replaced() -> None:
    old, new = new_secret(), new_secret()
    headers = signed_headers([old, new], "evt_7a0f_18", int(AT.timestamp()), BODY)
    assert verified_event(new, headers, BODY, at=AT) == verified_event(old, headers, BODY, at=AT)


@pytest.mark.parametrize("late", [timedelta(minutes=6), timedelta(minutes=-6)])
def test_refuses_what_is_old_or_from_the_future(late: timedelta) -> None:
    secret = new_secret()
    with pytest.raises(SignatureMismatchError, match="last minutes"):
        verified_event(secret, delivery(secret), BODY, at=AT + late)


@pytest.mark.parametrize(
    "forged",
    [
        {"webhook-id": "evt_7a0f_19"},
        {"webhook-timestamp": str(int(AT.timestamp()) + 1)},
        {"webhook-timestamp": "soon"},
        {"webhook-signature": "v1,AAAA"},
        {"webhook-signature": ""},
        {"webhook-signature": "v2,AAAA"},
        {"webhook-id": ""},
    ],
)
def test_refuses_a_forged_delivery(forged: dict[str, str]) -> None:
    secret = new_secret()
    with pytest.raises(SignatureMismatchError):
        verified_event(secret, {**delivery(secret), **forged}, BODY, at=AT)


def test_refuses_another_secret_and_another_body() -> None:
    secret = new_secret()
    with pytest.raises(SignatureMismatchError):
        verified_event(new_secret(), delivery(secret), BODY, at=AT)
    with pytest.raises(SignatureMismatchError):
        verified_event(secret, delivery(secret), BODY.replace(b"TRUSTED", b"STALE"), at=AT)
    with pytest.raises(SignatureMismatchError, match="no event"):
        verified_event(secret, delivery(secret, b"[]"), b"[]", at=AT)


async def lines(text: str) -> AsyncIterator[bytes]:
    for line in text.splitlines(keepends=True):
        yield line.encode()


DATA = '{"number":18,"at":"2026-11-28T06:00:00Z","kind":"request.decided","subject":"7a0f","body":{}}'


async def read(text: str) -> list[Event | None]:
    return [event async for event in read_events(lines(text))]


async def test_reads_a_stream() -> None:
    alive, event = await read(f"retry: 3000\n\n: alive\n\nid: 18\nevent: request.decided\ndata: {DATA}\n\n")
    assert alive is None
    assert event is not None
    assert (event.number, event.subject) == (18, "7a0f")


async def test_an_event_that_broke_off_is_none() -> None:
    assert await read(f"id: 18\ndata: {DATA}\n") == []


@pytest.mark.parametrize("data", ["{", "[]", '{"number": 1, "number": 2}', "x" * 70_000])
async def test_refuses_what_is_no_event(data: str) -> None:
    with pytest.raises(UnreachableError):
        await read(f"data: {data}\n\n")


async def test_says_that_events_were_missed() -> None:
    with pytest.raises(MissedEventsError):
        await read('event: missed\ndata: {"after": 17, "pruned_to": 40}\n\n')


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (Question, WordedQuestion),
        (Qualification, QualificationIn),
        (Experience, ExperienceIn),
        (Language, LanguageIn),
        (Level, LevelIn),
        (Keep, KeepIn),
    ],
)
def test_questions_have_the_members_that_the_agent_takes(ours: Any, theirs: Any) -> None:
    schema = theirs.model_json_schema()
    assert set(get_type_hints(ours)) == set(schema["properties"])
    assert set(schema.get("required", ())) <= ours.__required_keys__ | ({"at_least"} if ours is Level else set())


def test_states_are_those_of_the_agent() -> None:
    assert set(get_args(State.__value__)) == {state.value for state in RequestState}
    assert set(get_args(ClientVerdict.__value__)) == {verdict.value for verdict in Verdict}
    assert set(get_args(Category.__value__)) == {category.value for category in AnswerCategory}
    assert set(get_args(get_type_hints(Fact)["outcome"])) == {outcome.value for outcome in FactOutcome}


def test_to_import_it_takes_no_agent() -> None:
    code = (
        "import sys, wanderbuch.client; print([n for n in sys.modules if n.startswith(('acapy', 'wanderbuch.agents'))])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


class Flaky:
    """An agent that gives no answer for a while, and notes the keys of the calls."""

    def __init__(self, *, failures: int, status: int = 503) -> None:
        self.keys: list[str | None] = []
        self._left = failures
        self._status = status

    async def answer(self, request: web.Request) -> web.Response:
        self.keys.append(request.headers.get("Idempotency-Key"))
        if self._left:
            self._left -= 1
            return web.json_response({"code": "store-unreachable", "detail": "away"}, status=self._status)
        answer = {"id": "7a0f", "state": "OPEN", "short_url": "https://x.test/i/1", "invitation_url": "https://x.test/"}
        answer |= {"deadline": "2026-11-28T06:00:00Z", "new in 1.1": True}
        return web.json_response(answer | dict.fromkeys(("ended_at", "ref", "decision", "answer")), status=201)


async def asked(flaky: Flaky, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("wanderbuch.client.verifier._PAUSES_S", (0.0, 0.0))
    app = web.Application()
    app.router.add_post("/v1/t/acme/verifier/questions", flaky.answer)
    async with TestServer(app) as server, VerifierClient(str(server.make_url("")), "token", tenant="acme") as client:
        return await client.ask({"place": "Malta", "credentials": []})


async def test_what_makes_something_is_sent_again_with_the_same_key(monkeypatch: pytest.MonkeyPatch) -> None:
    flaky = Flaky(failures=2)
    assert (await asked(flaky, monkeypatch)).id == "7a0f"
    assert len(flaky.keys) == 3
    assert len(set(flaky.keys)) == 1
    assert flaky.keys[0]


async def test_what_is_refused_is_not_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    flaky = Flaky(failures=1, status=422)
    with pytest.raises(ApiError) as caught:
        await asked(flaky, monkeypatch)
    assert (caught.value.status, caught.value.may_pass, len(flaky.keys)) == (422, False, 1)


async def test_it_gives_up_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    flaky = Flaky(failures=9)
    with pytest.raises(ApiError) as caught:
        await asked(flaky, monkeypatch)
    assert (caught.value.may_pass, len(flaky.keys)) == (True, 3)
