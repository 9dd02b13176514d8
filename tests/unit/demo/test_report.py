"""What the demo prints for people."""

import base64
import io
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from wanderbuch.agents.demo.outcome import Answer, DemoResult, Outcome, SceneResult
from wanderbuch.agents.demo.report import browser_line, show_addresses, show_result
from wanderbuch.agents.machine.certificates import LocalAuthority

WHY = (
    "accredited: Colombo Welding Centre (example) is accredited for C72 (Metal, machinery and related trades workers) "
    "by Training Authority of Sri Lanka (example) (TA-2018-0142)."
)
TITLE = "Welder, NVQ 4, proves EQF 3 or more; the level stays hidden"


def printed(*scenes: SceneResult, width: int = 80) -> list[str]:
    file = io.StringIO()
    show_result(Console(file=file, width=width), DemoResult(scenes, 27.4))
    return file.getvalue().splitlines()


def scene(name: str, expected: Outcome, actual: Outcome, *reasons: str) -> SceneResult:
    return SceneResult(name, TITLE, expected, Answer(actual, reasons), 0.25)


def test_a_scene_is_one_line_and_its_reasons_stand_below() -> None:
    lines = printed(scene("a", Outcome.TRUSTED, Outcome.TRUSTED, WHY, "No code here."))

    assert lines[0] == f"ok a  TRUSTED     {TITLE}"
    assert lines[1].startswith("      Colombo Welding Centre (example) is accredited")
    assert lines[4] == "      No code here."
    assert lines[-1] == "1 of 1 scenes ended as expected, in 27 s."


def test_a_scene_that_ended_otherwise_says_what_was_expected() -> None:
    lines = printed(scene("c2", Outcome.NOT_TRUSTED, Outcome.TRUSTED))

    assert lines[:2] == [f"NO c2 TRUSTED     {TITLE}", "      Expected: NOT_TRUSTED."]
    assert lines[-1] == "0 of 1 scenes ended as expected, in 27 s."


@pytest.mark.parametrize("width", [40, 80, 200])
def test_no_line_is_wider_than_the_terminal_and_no_word_is_lost(width: int) -> None:
    lines = printed(scene("a", Outcome.NO_ANSWER, Outcome.NOT_TRUSTED, WHY), width=width)

    assert max(map(len, lines)) <= width
    assert {*WHY.split()[1:], *TITLE.split()} <= {word for line in lines for word in line.split()}


def test_no_line_of_a_scene_ends_in_spaces() -> None:
    lines = printed(scene("a", Outcome.TRUSTED, Outcome.TRUSTED, WHY, "No code here."))

    assert [line for line in lines if line != line.rstrip()] == []


@pytest.fixture
def agents(tmp_path: Path) -> Any:
    """Three of the demo's, as far as their addresses go; two of them have a certificate."""
    tls = LocalAuthority()
    made: Any = [
        SimpleNamespace(
            role=role,
            name=f"The {role}",
            host=host,
            has_address=True,
            public_url=f"https://{host}",
            target=f"127.0.0.1:844{at}",
            app_url=f"http://127.0.0.1:808{at}",
            folder=tmp_path / role,
            proxies=(),
        )
        for at, (role, host) in enumerate(
            [
                ("authority", "authority.wanderbuch.test"),
                ("mediator", "mediator.wanderbuch.test"),
                ("wallet_host", "wallet.wanderbuch.test"),
            ]
        )
    ]
    for agent in made[1:]:
        agent.folder.mkdir()
        tls.write_server(agent.host, agent.folder / "public.crt", agent.folder / "public.key")
    return made


def test_a_browser_is_told_where_every_public_name_really_is_and_takes_the_wallet_for_good(agents: Any) -> None:
    line = browser_line(agents)
    rules = ", ".join(f"MAP {agent.host}:443 {agent.target}" for agent in agents)
    assert f'--host-resolver-rules="{rules}"' in line
    (digests,) = re.findall(r"--ignore-certificate-errors-spki-list=(\S+)", line)
    assert [len(base64.b64decode(digest)) for digest in digests.split(",")] == [32, 32]


def test_the_address_of_the_wallet_in_the_page_is_printed(agents: Any) -> None:
    file = io.StringIO()
    stage: Any = SimpleNamespace(machine=SimpleNamespace(agents=agents))
    show_addresses(Console(file=file, width=80), stage)
    (wallet,) = [line for line in file.getvalue().splitlines() if line.split()[:1] == ["wallet"]]
    assert wallet.split()[1] == "https://wallet.wanderbuch.test/"
