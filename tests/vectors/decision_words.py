"""Words of the decision vectors: identifiers, statements, what is asked and shown, cases and their neighbours."""

import json
from typing import Any

AT = "2026-11-22T12:00:00Z"
FRESH_UNTIL = "2026-11-22T13:00:00Z"
NVQ_OLD, NVQ_NEW = "nvq-eqf-2005", "nvq-eqf-2019"

type Json = dict[str, Any]
type Topics = dict[str, tuple[str, Json, list[Json]]]  # file name -> what it shows, accepted case, refused neighbours

EMPLOYER_ASKS: Json = {
    "occupation": "C7212",
    "jurisdiction": "MLT",
    "min_eqf_level": 3,
    "credential_type": "qualification/1.0",
    "not_revoked": True,
}


def did(word: str, host: str) -> str:
    return f"did:webvh:{_multihash('Vector' + word)}:{host}.wanderbuch.test:org"


def resource(owner: str, word: str) -> str:
    return f"{owner}/resources/z{_multihash(word)}"


def source(owner: str, word: str) -> str:
    return f"anoncreds:{resource(owner, word)}"


def _multihash(word: str) -> str:
    return "Qm" + (word + "1" * 44)[:44]


def accreditation(number: str, issuer: str, **changes: Any) -> Json:
    return {
        "id": number,
        "credential_types": ["qualification/1.0"],
        "sources": [source(issuer, "CredDef")],
        "occupations": ["C72"],
        "level_range": {"framework": "LK-NVQ", "min": "2", "max": "5"},
        "jurisdictions": ["LKA", "MLT"],
        "intervals": [{"start": "2010-01-01"}],
        "accreditingAgent": {"name": "Authority of the vectors"},
        "decision": f"https://authority.wanderbuch.test/decisions/{number}",
        "redress": "https://authority.wanderbuch.test/appeals",
        **changes,
    }


def status(kind: str, decided_on: str, effective_from: str, *registries: str) -> Json:
    return {
        "status": kind,
        "decided_on": decided_on,
        "effective_from": effective_from,
        "statuses": [f"anoncreds:{registry}" for registry in registries],
    }


def crosswalk(version: str, levels: list[int | None], **days: str) -> Json:
    table = [{"level": str(level), "eqf": eqf} for level, eqf in enumerate(levels, start=1)]
    return {"version": version, "framework": "LK-NVQ", **days, "levels": table, "source": "invented for the vectors"}


def shown(issuer: str, **changes: Any) -> Json:
    return {
        "issuer": issuer,
        "source": source(issuer, "CredDef"),
        "credential_type": "qualification/1.0",
        "occupation": "C7212",
        "proven_eqf_level": 3,
        "framework": "LK-NVQ",
        "crosswalk_version": NVQ_NEW,
        "awarded": year(2024),
        "expires_on": None,
        "status": source(issuer, "Registry"),
        "binding": "link-secret",
        **changes,
    }


def year(number: int) -> Json:
    return {"first": f"{number}-01-01", "last": f"{number}-12-31"}


def day(text: str) -> Json:
    return {"first": text, "last": text}


def case(issuer: str, name: str, **changes: Any) -> Json:
    """Return a TRUSTED case; changes of the evidence by name, of the requirement as `requirement`."""
    requirement = EMPLOYER_ASKS | changes.pop("requirement", {})
    at, fresh_until = changes.pop("at", AT), changes.pop("fresh_until", FRESH_UNTIL)
    return {
        "name": name,
        "governance": "ecosystem.json",
        "fresh_until": fresh_until,
        "at": at,
        "requirement": requirement,
        "evidence": shown(issuer, **changes),
        "expect": {"verdict": "TRUSTED", "codes": ["issuer.accredited"]},
    }


def neighbour(accepted: Json, name: str, code: str, verdict: str = "NOT_TRUSTED", **change: Any) -> Json:
    """Return a case that differs from `accepted` in one point: `part__member=value`, or `part=value`."""
    ((where, value),) = change.items()
    part, _, member = where.partition("__")
    changed = json.loads(json.dumps(accepted))
    if member:
        changed[part][member] = value
    else:
        changed[part] = value
    return {
        **changed,
        "name": name,
        "differs": where.replace("__", "."),
        "expect": {"verdict": verdict, "codes": [code]},
    }
