"""Images of this checkout and of the one before containers ran, made once."""

from pathlib import Path

import pytest
from tests.containers.images import build, run

ROOT = Path(__file__).parents[2]
BEFORE = "46fda7c6f8222dd9d1f0710008d2c62d2b50eac2"
"""The last commit before this issue: its agents wrote the data that later ones take over."""


@pytest.fixture(scope="session")
def image() -> str:
    """Our image, of this checkout."""
    return build(ROOT, "localhost/wanderbuch:checked")


@pytest.fixture(scope="session")
def image_before(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The image of the commit before, by the Containerfile of now: it had none that was built."""
    folder = tmp_path_factory.mktemp("before") / "checkout"
    folder.mkdir()
    archive = folder.parent / "before.tar"
    run("git", "-C", ROOT, "archive", "--output", archive, BEFORE)
    run("tar", "--extract", "--file", archive, "--directory", folder)
    for name in ("compose/requirements.lock", ".dockerignore"):
        (folder / name).write_bytes((ROOT / name).read_bytes())
    return build(folder, "localhost/wanderbuch:before", containerfile=ROOT / "compose" / "Containerfile")


@pytest.fixture(scope="session")
def proxy_image() -> str:
    """The image of the proxy."""
    return _of_debian("proxy")


@pytest.fixture(scope="session")
def database_image() -> str:
    """The image of the database."""
    return _of_debian("database")


def _of_debian(name: str) -> str:
    file = ROOT / "compose" / f"{name}.Containerfile"
    return build(ROOT, f"localhost/wanderbuch-{name}:checked", containerfile=file, has_python=False)
