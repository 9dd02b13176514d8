"""Ids of AnonCreds objects, on did:webvh and on ledgers; two names are one thing only where the ledger is known."""

import json
from pathlib import Path
from typing import Any

import pytest
import tests.vectors

from wanderbuch.governance.facts.anoncreds_ids import AnonCredsId, CredDefId, RevRegDefId, SchemaId
from wanderbuch.governance.facts.identifiers import IdentifierError
from wanderbuch.governance.facts.indy import UNKNOWN_LEDGER, OldNames
from wanderbuch.governance.facts.sources import AnonCredsSource, SourceId
from wanderbuch.governance.facts.statuses import AnonCredsStatus, StatusId

VECTORS: dict[str, Any] = json.loads((Path(tests.vectors.__path__[0]) / "indy_ids.json").read_text())
KINDS: dict[str, type[AnonCredsId]] = {"SCHEMA": SchemaId, "CLAIM_DEF": CredDefId, "REV_REG_DEF": RevRegDefId}
OLD, NEW = VECTORS["same"][1]["old"], VECTORS["same"][1]["new"]
SOVRIN = OldNames("sovrin")


def each_vector(name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("vector", VECTORS[name], ids=[vector["name"] for vector in VECTORS[name]])


@each_vector("same")
def test_takes_either_form_as_it_is_written(vector: dict[str, str]) -> None:
    kind = KINDS[vector["kind"]]
    old, new = kind.parse(vector["old"]), kind.parse(vector["new"])
    assert (old, old.did) == (vector["old"], "did:sov:V4SGRU86Z58d6TV7PBUe6f")
    assert (new, new.did) == (vector["new"], "did:indy:sovrin:V4SGRU86Z58d6TV7PBUe6f")
    assert new.is_of(new.did)
    assert not new.is_of(old.did)
    for other in set(KINDS.values()) - {kind}:
        with pytest.raises(IdentifierError):
            other.parse(vector["new"])


@each_vector("same")
def test_two_names_are_one_thing_where_the_ledger_is_known(vector: dict[str, str]) -> None:
    old, new = vector["old"], vector["new"]
    assert (SOVRIN.of(old), SOVRIN.of(new)) == ((old, new), (new, old))
    for unknowing in (UNKNOWN_LEDGER, OldNames("indicio")):
        assert unknowing.of(new) == (new,)
    assert UNKNOWN_LEDGER.of(old) == (old,)
    assert new not in OldNames("indicio").of(old)


@each_vector("others")
def test_what_differs_is_another_thing(vector: dict[str, str]) -> None:
    CredDefId.parse(vector["id"])
    assert not {OLD, NEW} & set(SOVRIN.of(vector["id"]))


@each_vector("refused")
def test_refuses_what_no_ledger_has(vector: dict[str, str]) -> None:
    for kind in KINDS.values():
        with pytest.raises(IdentifierError):
            kind.parse(vector["id"])
    assert SOVRIN.of(vector["id"]) == (vector["id"],)


def test_an_object_on_a_ledger_is_no_resource_of_a_did() -> None:
    with pytest.raises(IdentifierError, match="on a ledger"):
        _ = CredDefId.parse(OLD).resource


@pytest.mark.parametrize("text", [OLD, NEW])
def test_an_accreditation_may_list_it(text: str) -> None:
    source = SourceId.written(text)
    assert source == f"anoncreds:{text}"
    assert isinstance(source, AnonCredsSource)
    assert (source.definition, source.owner) == (text, CredDefId.parse(text).did)
    with pytest.raises(IdentifierError):
        SourceId.written(text + " with spaces")


def test_a_withdrawal_may_pin_its_registries() -> None:
    for text in (VECTORS["same"][2]["old"], VECTORS["same"][2]["new"]):
        status = StatusId.written(text)
        assert isinstance(status, AnonCredsStatus)
        assert status.registry == text
