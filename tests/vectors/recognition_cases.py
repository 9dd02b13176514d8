"""How the recognition vectors are put: the question to Malta, with the files of others at hand."""

from typing import Any

from tests.vectors import decision_words
from tests.vectors.decision_words import AT, FRESH_UNTIL, Json, source, year
from tests.vectors.recognition_world import NVQ

AT_HAND = {f"{name}.json": FRESH_UNTIL for name in ("lanka", "nepal", "bhutan", "india", "asean", "sadc")}


def case(issuer: str, name: str, chain: list[str], **changes: Any) -> Json:
    """Return a TRUSTED case; changes of the evidence by name, of anything else as it is called in the case.

    Args:
        chain: ids of the recognitions it rests on, nearest first.
    """
    requirement = {
        "occupation": "C7212",
        "jurisdiction": "MLT",
        "min_eqf_level": 3,
        "credential_type": "qualification/1.0",
        "not_revoked": True,
        "purpose": "employment",
        **changes.pop("requirement", {}),
    }
    told = changes.pop("told", [])
    governance, recognised = changes.pop("governance", "malta.json"), changes.pop("recognised", AT_HAND)
    evidence = {
        "issuer": issuer,
        "source": source(issuer, "CredDef"),
        "credential_type": "qualification/1.0",
        "occupation": requirement["occupation"],
        "proven_eqf_level": 3,
        "framework": "LK-NVQ",
        "crosswalk_version": NVQ,
        "awarded": year(2024),
        "expires_on": None,
        "status": source(issuer, "Registry"),
        "binding": "link-secret",
        **changes,
    }
    return {
        "name": name,
        "governance": governance,
        "fresh_until": FRESH_UNTIL,
        "recognised": recognised,
        "at": AT,
        "requirement": requirement,
        "evidence": evidence,
        "expect": {
            "verdict": "TRUSTED",
            "codes": ["issuer.accredited", *(["issuer.recognised"] if chain else []), *told],
            "chain": chain,
        },
    }


def neighbour(accepted: Json, name: str, *codes: str, verdict: str = "NOT_TRUSTED", **change: Any) -> Json:
    """Return a case that differs in one point; codes are those of the chains, after or before that of the home file."""
    neighbour = decision_words.neighbour(accepted, name, "", verdict, **change)
    home = "jurisdiction.not_covered" if _listed_at_home(neighbour) else "issuer.not_accredited"
    neighbour["expect"] = {"verdict": verdict, "codes": [home, *codes] if verdict == "NOT_TRUSTED" else [*codes, home]}
    return neighbour


def elsewhere(accepted: Json, name: str, differs: str, *codes: str, **changes: Any) -> Json:
    """Return a neighbour whose one point stands in several places: evidence by name, `requirement` by its own names."""
    made = neighbour(accepted, name, *codes, requirement=dict(accepted["requirement"]))
    made["requirement"] |= changes.pop("requirement", {})
    made["evidence"] |= changes
    made["differs"] = differs
    return made


def _listed_at_home(case: Json) -> bool:
    return any(word in case["evidence"]["issuer"] for word in ("VectorWithdrawn", "VectorBarred"))
