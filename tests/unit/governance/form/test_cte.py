import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
from tests.unit.governance.conftest import VECTORS

from wanderbuch.governance.form.findings import GovernanceFileError
from wanderbuch.governance.form.validation import parse_file, validate_file

FOLDER = VECTORS / "cte"
FOUND = [json.loads(path.read_bytes()) for path in sorted(FOLDER.iterdir())]


@pytest.mark.parametrize("vector", FOUND, ids=[vector["name"] for vector in FOUND])
def test_vector(vector: dict[str, Any]) -> None:
    payload = (vector["text"] if "text" in vector else json.dumps(vector["document"])).encode()

    report = validate_file(payload)

    expected = {(finding["rule"], finding["path"]) for finding in vector["expect"]}
    assert {(error.rule, error.path) for error in report.errors} == expected
    assert (report.file is None) == bool(expected)
    assert all(finding.fix and finding.message for finding in report.findings)
    if expected:
        with pytest.raises(GovernanceFileError) as refused:
            parse_file(payload)
        assert refused.value.findings == report.findings


def test_vectors_are_what_their_script_makes(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("make_cte_vectors", VECTORS / "make_cte_vectors.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    script.FOLDER = tmp_path  # type: ignore[attr-defined]
    script.main()
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert made == {path.name: path.read_bytes() for path in FOLDER.iterdir()}
