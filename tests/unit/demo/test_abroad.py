"""The destination's file of the demo is a governance file without mistakes that trusts the authority at home."""

import json
from importlib.resources import files

from wanderbuch.agents.demo.abroad import abroad_payload
from wanderbuch.governance.form.validation import parse_file

HOME = "did:webvh:QmExampHome1111111111111111111111111111111111:home.wanderbuch.test:org"
ABROAD = "did:webvh:QmExampAbroad11111111111111111111111111111111:abroad.wanderbuch.test:org"


def test_recognises_the_authority_that_runs_and_nobody_else() -> None:
    example = json.loads(files("wanderbuch.governance").joinpath("files", "malta.example.json").read_text())
    schema_id = example["schemas"][0]["id"].replace(example["author"], ABROAD)
    payload = abroad_payload(
        author=ABROAD, schema_id=schema_id, recognised=HOME, recognised_url="https://home.wanderbuch.test/governance/x"
    )

    file = parse_file(json.dumps(payload).encode())

    assert file.author == ABROAD
    assert [
        (trusted_governance.publisher, trusted_governance.uri) for trusted_governance in file.trusted_governance
    ] == [(HOME, "https://home.wanderbuch.test/governance/x/current.jws")]
    assert {recognition.publisher for recognition in file.recognitions} == {HOME}
    assert file.signatories is None
