"""`make test` and `make system` together run each test once, and `make test-all` runs the same."""

import os
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest
from tests.tiers import FOLDERS, SYSTEM, mark_system, refuse_divided_towns

ROOT: Final = Path(__file__).parents[2]
OTHERS: Final = {"tests/containers", "tests/pool", "tests/soak"}
"""Folders of tests that have a target of their own."""


def pytest_of(target: str) -> list[str]:
    """What `make` gives pytest for a target, without what stands in each."""
    told = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    (line,) = (line for line in told.splitlines() if line.startswith(".venv/bin/pytest"))
    program, *arguments = shlex.split(line)
    common = ["--numprocesses", "4", "--dist", "loadfile", "--no-loadscope-reorder"]
    assert (program, arguments[: len(common)]) == (".venv/bin/pytest", common)
    return arguments[len(common) :]


def test_the_targets_divide_all_tests_by_the_mark() -> None:
    options = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pytest"]["ini_options"]
    mark, wanted, *folders = pytest_of("test")

    assert (mark, wanted) == ("-m", f"not {SYSTEM}")
    assert pytest_of("system") == ["-m", SYSTEM]
    assert pytest_of("test-all") == []
    assert sorted((*folders, *(folder.rstrip("/") for folder in FOLDERS))) == sorted(options["testpaths"])


def test_each_file_of_tests_lies_where_a_target_looks() -> None:
    options = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pytest"]["ini_options"]
    folders = {"/".join(file.relative_to(ROOT).parts[:2]) for file in (ROOT / "tests").rglob("test_*.py")}

    assert folders == {*options["testpaths"], *OTHERS}


def test_ci_runs_all_of_them_and_the_readme_names_both() -> None:
    assert "\nfirst_run test-all " in (ROOT / ".ci/run").read_text(encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert all(f"\nmake {target} " in readme for target in ("test", "system"))


UNUSED = ("cacheprovider", "asyncio", "schemathesis", "anyio")
NEEDS = """
import pytest

@pytest.mark.parametrize("engine", ["sqlite", pytest.param("postgresql", marks=pytest.mark.needs("postgresql"))])
def test_both(engine): pass

@pytest.mark.needs("chromium")
def test_page(): pass
"""
MARKED = "import pytest; pytestmark = pytest.mark.system\ndef test_dear(): pass"
PLAIN = "def test_plain(): pass"
FILES = {
    "tests/browser/test_tier_any.py": PLAIN,
    "tests/interop/credo/test_tier_any.py": PLAIN,
    "tests/flow/test_tier_dear.py": MARKED,
    "tests/flow/test_tier_quick.py": PLAIN,
    "tests/unit/browser/test_tier_any.py": PLAIN,
    "tests/unit/test_tier_needs.py": NEEDS,
}
BEFORE_A_COMMIT = {
    "tests/flow/test_tier_quick.py::test_plain",
    "tests/unit/browser/test_tier_any.py::test_plain",
    "tests/unit/test_tier_needs.py::test_both[sqlite]",
}
OF_THE_SYSTEM = {
    "tests/browser/test_tier_any.py::test_plain",
    "tests/interop/credo/test_tier_any.py::test_plain",
    "tests/flow/test_tier_dear.py::test_dear",
    "tests/unit/test_tier_needs.py::test_both[postgresql]",
    "tests/unit/test_tier_needs.py::test_page",
}
QUIETLY = ("--collect-only", "-qq", "--import-mode=importlib", *(f"-pno:{name}" for name in UNUSED))


@pytest.mark.parametrize(
    ("options", "collected"),
    [
        (("-m", "not system"), BEFORE_A_COMMIT),
        (("-m", "system"), OF_THE_SYSTEM),
        ((), BEFORE_A_COMMIT | OF_THE_SYSTEM),
    ],
)
def test_a_test_belongs_to_the_system_by_its_folder_its_needs_or_its_mark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: Sequence[str], collected: set[str]
) -> None:
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    for name, source in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(source)

    class Collected:
        def pytest_itemcollected(self, item: pytest.Item) -> None:
            mark_system(item)

        def pytest_collection_finish(self, session: pytest.Session) -> None:
            self.names = [item.nodeid for item in session.items]

    kept = Collected()
    pytest.main([*QUIETLY, "-c", os.devnull, "--rootdir", str(tmp_path), *options, str(tmp_path)], [kept])
    assert sorted(kept.names) == sorted(collected)


def test_so_it_is_with_ours() -> None:
    files = ["tests/browser/test_looking.py", "tests/flow/test_erasure.py", "tests/unit/store/test_rows.py"]
    options = ("-p", "no:cacheprovider", "-p", "no:xdist", "--collect-only", "-q", "-m", "not system")
    chosen = [sys.executable, "-m", "pytest", *options, *files]
    quiet = {**os.environ, "PYTEST_ADDOPTS": ""}
    told = subprocess.run(chosen, cwd=ROOT, env=quiet, capture_output=True, text=True, check=False).stdout

    collected = [line for line in told.splitlines() if line.startswith("tests/")]
    assert {line.partition("::")[0] for line in collected} == {files[-1]}
    assert any("[sqlite" in line for line in collected)
    assert not any("[postgresql" in line for line in collected)


def test_a_town_that_modules_share_is_opened_by_one_of_the_two() -> None:
    class Module:
        def __init__(self, nodeid: str, mark: str | None) -> None:
            self.nodeid, self.mark = nodeid, mark

        def get_closest_marker(self, name: str) -> object:
            return self.mark == name or None

    names = ("tests/flow/test_receipts.py::test_a", "tests/flow/test_verifier.py::test_b")
    refuse_divided_towns([Module(name, SYSTEM) for name in names])  # type: ignore[list-item]
    refuse_divided_towns([Module(name, None) for name in names])  # type: ignore[list-item]
    with pytest.raises(pytest.UsageError, match="shared_town"):
        refuse_divided_towns([Module(names[0], SYSTEM), Module(names[1], None)])  # type: ignore[list-item]
