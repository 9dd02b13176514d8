"""`wanderbuch case replay`: the same decision, an altered file, another key, and what would differ today."""

import asyncio
import base64
import json
from copy import replace
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from tests.unit.trust.case_files.world import KEEPING, CaseWorld
from typer.testing import CliRunner

from wanderbuch.agents.cli import command_line
from wanderbuch.governance.facts.question import Verdict
from wanderbuch.governance.signed.bundle import Bundle, write_bundle_file
from wanderbuch.plugins.http.replaying import RecordingEdge
from wanderbuch.plugins.trust.case_files.case_file import CaseFile, new_key, seal
from wanderbuch.plugins.trust.case_files.replaying_cases import judge_on
from wanderbuch.plugins.trust.verifying.keeping import Keeping


@dataclass
class Kept:
    """A case, its files, and the world that it is from."""

    world: CaseWorld
    case: CaseFile
    file: Path
    key: Path

    def write(self, case: CaseFile) -> None:
        key = new_key()
        self.file.write_text(json.dumps({"file": seal(case, key), "law": "…"}))
        self.key.write_text(json.dumps({"key": base64.b64encode(key).decode()}))


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    folder = tmp_path_factory.mktemp("case")

    async def make() -> tuple[CaseWorld, CaseFile]:
        world = await CaseWorld.open(folder)
        return world, await made(world, KEEPING)

    world, case = asyncio.run(make())
    return Kept(world, case, folder / "case.json", folder / "key.json")


async def made(world: CaseWorld, keeping: Keeping) -> CaseFile:
    """Return the case of an honest answer to a question."""
    asked = await world.asked(keeping)
    answer, recording = world.present(asked), RecordingEdge(world.edge())
    author = world.authority
    judged = await judge_on(recording, author.url, author.did, asked, answer, at=world.now)
    assert judged.decision.verdict is Verdict.TRUSTED
    bundle = write_bundle_file(Bundle(author.did, author.url, world.now, (), recording.recorded))
    packed = base64.b64encode(bundle).decode()
    return CaseFile(asked=asked, presentation=answer, bundle=packed, decision=judged.decision, grounds=judged.grounds)


def run(kept: Kept, *options: str) -> tuple[int, str]:
    arguments = ["case", "replay", str(kept.file), "--key-file", str(kept.key), *options]
    done = CliRunner().invoke(command_line(arguments), arguments)
    return done.exit_code, done.output


def answer(kept: Kept, *options: str) -> tuple[int, dict[str, Any]]:
    code, output = run(kept, "--json", *options)
    return code, json.loads(output)


def test_the_same_decision_comes_out_again(kept: Kept) -> None:
    kept.write(kept.case)
    code, output = run(kept, "--author", str(kept.world.authority.did))
    assert code == 0
    assert "the same decision comes out" in output
    assert "Health and Safety Act" in output
    assert answer(kept) == (0, {**answer(kept)[1], "same": True, "decided": "TRUSTED", "again": "TRUSTED"})


def test_says_what_differs_with_a_newer_bundle(kept: Kept, tmp_path: Path) -> None:
    kept.write(kept.case)
    world = kept.world
    before = dict(world.files)
    asyncio.run(world.publish(version=2, accredits=False))
    bundle = tmp_path / "newer.bundle"
    newer = Bundle(world.authority.did, world.authority.url, world.now, (), dict(world.files))
    bundle.write_bytes(write_bundle_file(newer))
    world.files.clear()
    world.files.update(before)
    code, told = answer(kept, "--bundle", str(bundle))
    assert (code, told["same"], told["today"]) == (0, True, "NOT_TRUSTED")
    assert {"what": "issuer_counts", "was": "holds", "now": "fails"} in told["since"]


def test_a_decision_that_was_written_over_is_found(kept: Kept) -> None:
    kept.write(kept.case.model_copy(update={"decision": replace(kept.case.decision, verdict=Verdict.NOT_TRUSTED)}))
    code, output = run(kept)
    assert code == 1
    assert "ANOTHER decision comes out" in output
    assert "verdict: NOT_TRUSTED -> TRUSTED" in output


def test_an_altered_file_is_refused(kept: Kept) -> None:
    kept.write(kept.case)
    sealed = json.loads(kept.file.read_text())["file"]
    kept.file.write_text(sealed[:-9] + ("AAAA" if sealed[-9:-5] != "AAAA" else "BBBB") + sealed[-5:])
    assert answer(kept) == (1, {**answer(kept)[1], "same": False, "code": "presentation.case_file"})


def test_another_authority_than_the_pinned_one_is_refused(kept: Kept) -> None:
    kept.write(kept.case)
    code, told = answer(kept, "--author", str(kept.world.centre.did))
    assert (code, told["code"]) == (1, "presentation.case_file")


def test_a_key_that_is_none_is_a_mistake_of_the_user(kept: Kept) -> None:
    kept.write(kept.case)
    kept.key.write_text("not a key")
    assert run(kept)[0] != 0


def test_a_case_after_its_last_day_is_opened_only_for_who_says_so(kept: Kept) -> None:
    kept.write(asyncio.run(made(kept.world, Keeping("an act", "an audit", date(2020, 12, 31)))))
    code, told = answer(kept)
    assert (code, told["code"]) == (1, "presentation.case_over")
    assert "until 2020-12-31" in told["detail"]
    assert "--after-its-end" in told["hint"]
    code, told = answer(kept, "--after-its-end")
    assert (code, told["same"], told["over"]) == (0, True, True)
    assert "its last day was 2020-12-31" in run(kept, "--after-its-end")[1]


def test_a_question_that_was_rewritten_is_refused_before_anything_is_decided(kept: Kept) -> None:
    asked = kept.case.asked
    easier = asked.model_copy(update={"requirement": replace(asked.requirement, min_eqf_level=2)})
    kept.write(kept.case.model_copy(update={"asked": easier}))
    code, output = run(kept)
    assert code == 1
    assert "the question contradicts itself" in output
