import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests import needs
from tests.needs import NEEDS, chromium_program, missing, whole_chromium

ROOT = Path(__file__).parents[2]


CASES = [
    ("tests/interop/test_credo_wallet.py", "nodejs npm"),
    ("tests/interop/test_credo_wallet.py", "g++"),
    ("tests/browser/test_register.py", "chromium"),
    ("tests/browser/test_running_agent.py", "chromium"),
    ("tests/unit/cli/test_governance_page.py::test_the_examples_of_the_page_run", "openssl"),
    ("tests/unit/machine/test_postgresql.py", "postgresql"),
    ("tests/interop/test_tls_proxy.py", "nginx"),
]


@pytest.fixture(scope="module")
def bare_run(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What pytest says of all of these on a machine that has nothing but Python."""
    path = tmp_path_factory.mktemp("path")
    (path / "python3").symlink_to(sys.executable)
    bare = {**os.environ, "PATH": str(path), "CHROMIUM": "", "POSTGRESQL": str(path), "PYTEST_ADDOPTS": ""}
    tests = sorted({tests for tests, _ in CASES})
    run = [sys.executable, "-m", "pytest", "-rs", "-p", "no:cacheprovider", "-p", "no:xdist", *tests]
    ended = subprocess.run(run, cwd=ROOT, env=bare, capture_output=True, text=True, check=False)
    assert ended.returncode in {0, 5}, ended.stdout + ended.stderr
    assert " skipped" in ended.stdout
    assert " passed" not in ended.stdout
    return ended.stdout


@pytest.mark.parametrize(("tests", "package"), CASES)
def test_where_something_is_missing_a_test_is_skipped_and_names_the_package(
    bare_run: str, tests: str, package: str
) -> None:
    file = tests.partition("::")[0]
    told = [line for line in bare_run.splitlines() if line.startswith("SKIPPED") and f" {file}:" in line]
    assert told
    assert all("apt-get install" in line for line in told)
    assert any(package in line for line in told)


@pytest.mark.parametrize(
    ("there", "is_thorough", "taken"),
    [
        ("chromium chromium-headless-shell", False, "chromium-headless-shell"),
        ("chromium chromium-headless-shell", True, "chromium"),
        ("chromium", False, "chromium"),
        ("chromium-headless-shell", True, "chromium-headless-shell"),
        ("", False, None),
    ],
)
def test_a_quick_run_takes_the_browser_without_windows_and_either_is_enough_but_for_a_camera(
    there: str, taken: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_thorough: bool
) -> None:
    for name in (*there.split(), "brave"):
        (tmp_path / name).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setattr(needs, "IS_THOROUGH", is_thorough)
    assert chromium_program() == (tmp_path / taken if taken else None)
    assert whole_chromium() == (tmp_path / "chromium" if "chromium" in there.split() else None)
    monkeypatch.setenv("CHROMIUM", "brave")
    assert {chromium_program(), whole_chromium()} == {tmp_path / "brave"}


def test_an_old_node_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("node", "npm"):
        (tmp_path / name).write_text("#!/bin/sh\necho v18.20.4\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    NEEDS["node"].cache_clear()  # type: ignore[attr-defined]
    try:
        (told,) = missing(["node"])
    finally:
        NEEDS["node"].cache_clear()  # type: ignore[attr-defined]
    assert "found v18.20.4" in told


def test_a_need_that_nobody_knows_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        missing(["nod"])
