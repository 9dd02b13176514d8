import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.needs import NEEDS, missing

ROOT = Path(__file__).parents[2]


@pytest.fixture
def bare(tmp_path: Path) -> dict[str, str]:
    """The environment of a machine that has nothing but Python."""
    (tmp_path / "python3").symlink_to(sys.executable)
    return {**os.environ, "PATH": str(tmp_path), "CHROMIUM": "", "POSTGRESQL": str(tmp_path), "PYTEST_ADDOPTS": ""}


@pytest.mark.parametrize(
    ("tests", "package"),
    [
        ("tests/interop/test_credo_wallet.py", "nodejs npm"),
        ("tests/interop/test_credo_wallet.py", "g++"),
        ("tests/browser/test_register.py", "chromium"),
        ("tests/browser/test_running_agent.py", "chromium"),
        ("tests/unit/cli/test_governance_page.py::test_the_examples_of_the_page_run", "openssl"),
        ("tests/unit/machine/test_postgresql.py", "postgresql"),
    ],
)
def test_where_something_is_missing_a_test_is_skipped_and_names_the_package(
    bare: dict[str, str], tests: str, package: str
) -> None:
    run = [sys.executable, "-m", "pytest", "-rs", "-p", "no:cacheprovider", "-p", "no:xdist", tests]
    ended = subprocess.run(run, cwd=ROOT, env=bare, capture_output=True, text=True, check=False)
    assert ended.returncode in {0, 5}, ended.stdout + ended.stderr
    assert " skipped" in ended.stdout
    assert " passed" not in ended.stdout
    assert "apt-get install" in ended.stdout
    assert package in ended.stdout


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
