"""Every example of docs/governance-commands.md runs, in the order of the page."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.unit.cli.conftest import Run
from tests.unit.cli.office import Office, served
from tests.unit.http.tls_host import PrivateAuthority

from wanderbuch.agents.cli.governance import app

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "governance-commands.md").read_text()


def examples() -> list[str]:
    return [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]


@pytest.mark.needs("openssl")
def test_the_examples_of_the_page_run(
    run: Run, office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(office.folder)
    shutil.copy(ROOT / "docs" / "examples" / "accredited-institutions.csv", "list.csv")
    with served(PrivateAuthority(tmp_path), tmp_path) as host:
        for line in examples():
            command, _, note = line.partition("  # exit ")
            words = shlex.split(command.replace("$AUTHOR", office.did).replace("$KID", office.kid))
            if words[0] == "openssl":
                subprocess.run(words, check=True, capture_output=True)
                continue
            if any(word.startswith("https://ministry") for word in words):
                shutil.copytree("site", tmp_path / "site", dirs_exist_ok=True)
                words += office.network(host)
            code, out, err = run(*words[1:])
            assert code == int(note or 0), f"{line}\n{out}{err}"


def test_the_page_names_every_command() -> None:
    names = {command.name for command in app.registered_commands}
    assert names
    assert {name for name in names if f"wanderbuch governance {name}" in PAGE} == names
