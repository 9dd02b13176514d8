"""The desk's page of codes: the question as frames, and what was scanned, judged or refused in a sentence."""

import html
import json
import re
from datetime import timedelta

import pytest
from tests.unit.verifier_pages.conftest import Browser, put
from tests.unit.verifier_pages.place import ADMINISTRATOR, ASKER, AUDITOR, DeskPlace

from wanderbuch.plugins.http.replaying import FallbackEdge
from wanderbuch.plugins.trust.offline.frames import Carried, frames_of, message_of
from wanderbuch.plugins.trust.offline.messages import ANSWER_TYPE

pytestmark = pytest.mark.asyncio(loop_scope="module")


def answer_to(place: DeskPlace, request: dict[str, object]) -> list[str]:
    proof = place.worker.present(request["request"], place.welder)  # type: ignore[arg-type]
    answer = {"type": ANSWER_TYPE, "id": request["id"], "presentation": proof}
    return frames_of(Carried.ANSWER, json.dumps(answer).encode())


async def test_a_question_is_shown_as_codes_and_answered_by_what_was_scanned(
    place: DeskPlace, browsers: dict[str, Browser]
) -> None:
    asker = browsers[ASKER]
    question = await put(asker)
    path = f"/desk/en/question/{question}"
    assert f'href="{path}/codes"' in (await asker.ask(path)).text
    page = await asker.ask(f"{path}/codes")
    assert (page.status, page.headers["Permissions-Policy"]) == (200, "camera=(self), geolocation=(), microphone=()")
    assert "wasm" not in page.headers["Content-Security-Policy"]
    assert "camera=()" in (await asker.ask(path)).headers["Permissions-Policy"]
    shown = re.search(r'data-frames="([^"]*)"', page.text)
    assert shown is not None
    request = json.loads(message_of(Carried.REQUEST, html.unescape(shown[1]).split("|")))
    assert request["id"] == question
    frames = answer_to(place, request)
    refused = {
        "one code is missing": "|".join(frames[1:]),
        "nothing": "",
        "many": "|".join(["x"] * 10_000),
        "the question itself": html.unescape(shown[1]),
        "<b>": "<b>",
    }
    for name, codes in refused.items():
        again = await asker.send(f"{path}/codes", codes=codes)
        assert (again.status, "Nothing was decided" in again.text, "<b>" in again.text) == (422, True, False), name
    taken = await asker.send(f"{path}/codes", codes="|".join(frames))
    assert (taken.status, taken.target) == (303, path)
    assert "Accepted" in (await asker.ask(path)).text
    # What is over is shown at its own page, whatever is scanned after that.
    for codes in ("|".join(frames), "|".join(answer_to(place, request))):
        assert (await asker.send(f"{path}/codes", codes=codes)).target == path
    assert (await asker.ask(f"{path}/codes")).target == path


async def test_only_who_may_ask_scans(browsers: dict[str, Browser]) -> None:
    path = f"/desk/en/question/{await put(browsers[ASKER])}/codes"
    for person in (AUDITOR, ADMINISTRATOR):
        assert (await browsers[person].ask(path)).status == 403
        assert (await browsers[person].send(path, codes="")).status == 403


async def test_the_verdict_says_of_each_fact_how_old_it_was(place: DeskPlace, browsers: dict[str, Browser]) -> None:
    asker, now = browsers[ASKER], place.employer.now
    question = await put(asker)
    asked = await place.office.desk.status(place.profile, question)
    recording = FallbackEdge(None, {}, recorded_at=now - timedelta(minutes=30), clock=place.employer.clock)
    recording.last_replayed_at = now
    place.office.desk._judge._recording = recording
    frames = answer_to(place, {"id": question, "request": asked.proof_request})
    await asker.send(f"/desk/en/question/{question}/codes", codes="|".join(frames))
    text = (await asker.ask(f"/desk/en/question/{question}")).text
    place.office.desk._judge._recording = None
    main = re.sub(r"<[^>]+>", "", text.partition("<main")[2].partition(">")[2]).strip()
    assert main.startswith("Accepted")
    assert "30 minutes old" in main
    assert re.search(r"\(\d+ min old\)", main)
