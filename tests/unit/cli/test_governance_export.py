import json
from pathlib import Path

import pytest
from tests.unit.cli.conftest import EXAMPLE, Run
from tests.unit.cli.office import Office


def export(to: str, *more: str, file: Path = EXAMPLE) -> tuple[str, ...]:
    return ("governance", "export", str(file), "--to", to, *more)


@pytest.mark.parametrize("to", ["csv", "w3c", "ebsi", "etsi"])
def test_writes_the_file_and_says_what_it_lost(run: Run, tmp_path: Path, to: str) -> None:
    code, out, err = run(*export(to))
    assert code == 0
    assert "Colombo" in out or to == "ebsi"
    assert "lost" in err
    assert ("could trust more than the governance file allows" in err) == (to != "csv")
    target = tmp_path / "export"
    code, out, _ = run(*export(to, "--out", str(target), "--json"))
    told = json.loads(out)
    assert (code, told["file"], told["content"]) == (0, str(target), None)
    assert told["losses"][0].keys() == {"code", "subject", "text", "widens"}
    assert target.stat().st_size > 1000
    assert run(*export(to, "--out", str(target)))[0] == 2


def test_a_csv_export_is_imported_without_a_change(run: Run, tmp_path: Path) -> None:
    target = tmp_path / "list.csv"
    assert run(*export("csv", "--out", str(target)))[0] == 0
    code, out, _ = run("governance", "import", str(target), "--into", str(EXAMPLE))
    assert code == 0
    assert "says all of it already" in out


def test_a_credential_is_signed_by_the_author_only(run: Run, office: Office) -> None:
    keys = ("--key", str(office.key), "--kid", office.kid)
    code, out, _ = run(*export("w3c", *keys, file=office.file))
    assert code == 0
    assert json.loads(out)["proof"]["verificationMethod"] == office.kid
    for words in (
        export("w3c", *keys),  # another author
        export("w3c", "--key", str(office.key), file=office.file),
        export("etsi", *keys, file=office.file),
    ):
        code, _, err = run(*words)
        assert (code, err.count("\n")) == (2, 1)


def test_a_file_with_errors_is_not_exported(run: Run, office: Office) -> None:
    office.file.write_text("{}")
    assert run(*export("csv", file=office.file))[0] == 1
