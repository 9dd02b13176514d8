"""Suspending an issuer on an Indy ledger: its registries are named by ids of either form."""

from datetime import date
from typing import Any

import pytest

from wanderbuch.agents.authority.suspension import SuspensionError, suspended
from wanderbuch.governance.facts.identifiers import Did

from .conftest import centre_record

NYM, OTHER = "V4SGRU86Z58d6TV7PBUe6f", "V4SGRU86Z58d6TV7PBUe6g"
NEW, OLD = Did(f"did:indy:sovrin:{NYM}"), Did(f"did:sov:{NYM}")


def new_id(ledger: str = "sovrin", nym: str = NYM) -> str:
    return f"did:indy:{ledger}:{nym}/anoncreds/v0/REV_REG_DEF/20/tag/one"


def old_id(nym: str = NYM) -> str:
    return f"{nym}:4:{nym}:3:CL:20:tag:CL_ACCUM:one"


def named(did: Did, *statuses: str) -> list[str]:
    day, record = date(2026, 6, 1), centre_record(1, issuer=did)
    made: Any = suspended(record, decided_on=day, effective_from=day, statuses=statuses, reason="not supervised")
    registries: list[str] = made["accreditations"][0]["status"][-1]["statuses"]
    return registries


@pytest.mark.parametrize("written", ["{}", "anoncreds:{}"])
def test_a_registry_is_named_as_the_record_names_its_did(written: str) -> None:
    both = [written.format(form) for form in (old_id(), new_id())]
    assert named(NEW, *both) == [f"anoncreds:{new_id()}"]
    assert named(OLD, *both) == [f"anoncreds:{old_id()}"]


@pytest.mark.parametrize("statuses", [new_id("idunion"), new_id(nym=OTHER), old_id(OTHER)])
def test_refuses_a_registry_of_somebody_else_on_a_ledger(statuses: str) -> None:
    with pytest.raises(SuspensionError, match=r"expected registries of did:indy:sovrin:.* found one of"):
        named(NEW, statuses)
