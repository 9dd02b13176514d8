"""The example ecosystem with the DIDs of agents that run."""

import json
from datetime import UTC, date, datetime

import pytest

from wanderbuch.agents.demo.example import example_claim, example_payload, suspend
from wanderbuch.errors import ConfigurationError
from wanderbuch.governance.form.validation import parse_file
from wanderbuch.schemas.claims import validate_claim
from wanderbuch.schemas.credential_type import load_credential_type

DIGEST = "zQmVYvaytRvsxSW67v2A9X7f7jNkJAhGQ7Q7xkzcTJ1vVQQ"


def did(host: str) -> str:
    return f"did:webvh:QmVYvaytRvsxSW67v2A9X7f7jNkJAhGQ7Q7xkzcTJ1vVQQ:{host}:org"


AUTHORITY, CENTRE, KANDY = "authority.wanderbuch.test", "centre.wanderbuch.test", "kandy.wanderbuch.test"


def payload() -> dict[str, object]:
    return example_payload(
        dids={host: did(host) for host in (AUTHORITY, CENTRE, KANDY)},
        cred_defs={host: f"{did(host)}/resources/{DIGEST}" for host in (CENTRE, KANDY)},
        schema_id=f"{did(AUTHORITY)}/resources/{DIGEST}",
    )


def test_the_example_with_real_dids_is_a_valid_governance_file() -> None:
    file = parse_file(json.dumps(payload()).encode())

    assert file.author == did(AUTHORITY)
    assert set(file.index.by_issuer) >= {did(CENTRE), did(KANDY)}


def test_suspending_makes_the_next_version_and_leaves_the_first_as_it_was() -> None:
    first = payload()
    first["last_updated"] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    before = json.dumps(first)

    second = suspend(
        first,
        did(KANDY),
        registries=[f"{did(KANDY)}/resources/{DIGEST}"],
        effective_from=date(2026, 10, 1),
        decided_on=date(2026, 10, 2),
    )

    assert json.dumps(first) == before
    assert parse_file(json.dumps(second).encode()).version == 2


def test_a_host_that_the_example_does_not_name_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="nowhere"):
        example_payload(dids={"nowhere.wanderbuch.test": did("nowhere.wanderbuch.test")}, cred_defs={}, schema_id="x")


def test_the_example_claim_fits_its_type_also_with_changes() -> None:
    claim = validate_claim(
        load_credential_type("qualification/1.0"), example_claim(awarded_on="20230110", expires_on="")
    )

    assert claim["awarded_on"] == date(2023, 1, 10)
    assert claim["expires_on"] is None
