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
    assert [name for name in expanded if not list(ROOT.glob(name.partition("::")[0].rstrip(".")))] == []


def test_what_is_made_ahead_is_made_by_modules_that_are_there_and_run_as_programs() -> None:
    named = re.findall(r"(?<![\w.])tests\.[\w.]+", (ROOT / ".ci/ahead").read_text(encoding="utf-8"))

    assert named
    for module in named:
        source = (ROOT / module.replace(".", "/")).with_suffix(".py").read_text(encoding="utf-8")
        assert '__name__ == "__main__"' in source, module


def test_what_ci_leaves_out_of_the_tests_is_a_test() -> None:
    (left_out,) = re.findall(r"--deselect (\S+)::(\w+)", (ROOT / ".ci/run").read_text(encoding="utf-8"))

    assert f"def {left_out[1]}(" in (ROOT / left_out[0]).read_text(encoding="utf-8")
