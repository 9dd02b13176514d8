"""What `.ci` and the Makefile name is there: a file of tests that moves takes its name in them along."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"(?<![\w.*-])(?:\$PWD/)?(tests/[\w./{},*-]+)")


@pytest.mark.parametrize("script", [".ci/run", ".ci/stranger", "Makefile"])
def test_the_tests_that_a_script_names_are_there(script: str) -> None:
    named = NAMED.findall((ROOT / script).read_text(encoding="utf-8"))

    assert named
    expanded = subprocess.run(  # as bash does it: {a,b} becomes two names
        ["bash", "-c", f"printf '%s\\n' {' '.join(named)}"], capture_output=True, text=True, check=True
    ).stdout.split()
    assert [name for name in expanded if not list(ROOT.glob(name.rstrip(".")))] == []
