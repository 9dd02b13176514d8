import json
import re

import pytest
from tests.interop import credo_install
from tests.interop.credo_install import MANIFESTS, SOURCE, NodeIsMissingError, install, require_node

WANTED = json.loads((SOURCE / "package.json").read_text())
LOCKED = json.loads((SOURCE / "package-lock.json").read_text())


def test_every_dependency_is_wanted_in_exactly_one_version() -> None:
    versions = [*WANTED["dependencies"].values(), *WANTED["overrides"].values()]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in versions)


def test_lock_file_has_what_is_wanted_with_a_hash_for_every_package() -> None:
    assert LOCKED["packages"][""]["dependencies"] == WANTED["dependencies"]
    packages = {name: locked for name, locked in LOCKED["packages"].items() if name}
    assert {name: packages[f"node_modules/{name}"]["version"] for name in WANTED["dependencies"]} == WANTED[
        "dependencies"
    ]
    assert all(locked["integrity"].startswith("sha512-") for locked in packages.values())


def test_lock_file_names_no_place_to_download_from() -> None:
    assert not [name for name, locked in LOCKED["packages"].items() if "resolved" in locked]


def test_refuses_to_run_without_node(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(NodeIsMissingError, match=r"Node\.js 20 or newer and npm"):
        require_node()


@pytest.mark.needs("node", "compiler")
def test_installs_again_only_when_a_manifest_has_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    program = install()
    ran: list[tuple[str, ...]] = []
    monkeypatch.setattr(credo_install, "_npm", lambda *arguments: ran.append(arguments))
    install()
    assert ran == []
    stamp = program.parent / ".installed"
    unchanged = stamp.read_text()
    try:
        stamp.write_text("of another lock file")
        install()
        assert [arguments[0] for arguments in ran] == ["ci", "rebuild"]
    finally:
        stamp.write_text(unchanged)
    assert {name: (program.parent / name).read_bytes() for name in MANIFESTS} == {
        name: (SOURCE / name).read_bytes() for name in MANIFESTS
    }
