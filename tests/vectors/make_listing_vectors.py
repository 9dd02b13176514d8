"""Writes `listings.json`: `python tests/vectors/make_listing_vectors.py`.

Each vector is one listing statement, put into the example file of Sri Lanka under its key, and the rules that it must
break. They are for everybody who reads or writes such files; the source is docs/governance.md, "Listed, not yet
connected", and docs/adr/0082-listed-not-yet-connected.md.
"""

import copy
import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "listings.json"
CENTRE = "did:webvh:QmExampGaLLeNewCentre111111111111111111111111:new.galle.wanderbuch.test:org"
SCOPE: dict[str, Any] = {
    "id": "TVEC-2026-0901",
    "title": "Plumbing, NVQ 3 to 4",
    "credential_types": ["qualification/1.0"],
    "occupations": ["C7126"],
    "level_range": {"framework": "LK-NVQ", "min": "3", "max": "4"},
    "jurisdictions": ["LKA"],
    "intervals": [{"start": "2026-01-01"}],
    "accreditingAgent": {"name": "Tertiary and Vocational Education Commission (example)"},
    "decision": "https://authority.wanderbuch.test/decisions/901",
    "redress": "https://authority.wanderbuch.test/appeals",
}
SOUND: dict[str, Any] = {"name": "Matara Plumbing School", "accredited_for": [SCOPE]}


def scope(**members: Any) -> dict[str, Any]:
    return {**SOUND, "accredited_for": [{**copy.deepcopy(SCOPE), **members}]}


def vectors() -> list[dict[str, Any]]:
    def case(name: str, listing: Any, *rules: str, key: str = "P01/0142") -> dict[str, Any]:
        return {"name": name, "key": key, "listing": listing, "errors": sorted(rules)}

    return [
        case("listed with what it is accredited for", SOUND),
        case("connected: names its DID and lists nothing more", {"name": "Matara Plumbing School", "did": CENTRE}),
        case("listed for nothing yet is only worth a second look", {"name": "Matara Plumbing School"}),
        case("a DID as key is no register id", SOUND, "register-id", key=CENTRE),
        case("a register id with a space", SOUND, "register-id", key="P01 0142"),
        case("a register id with a colon could be taken for a DID", SOUND, "register-id", key="tvec:0142"),
        case("no name", {"accredited_for": [SCOPE]}, "member-missing"),
        case("what it signs with is not listed: that would look like trust", scope(sources=["anoncreds:x"]),
             "member-unknown"),
        case("decisions are about accreditations, not listings", scope(status=[]), "member-unknown"),
        case("an id that an accreditation has", scope(id="TA-2018-0142"), "listed-once"),
        case("one id twice", {**SOUND, "accredited_for": [SCOPE, SCOPE]}, "listed-once"),
        case("a credential type that is not listed", scope(credential_types=["diploma/1.0"]), "schema-listed"),
        case("a country that does not exist", scope(jurisdictions=["XXX"]), "country-known"),
        case("levels of a framework without crosswalk", scope(level_range={"framework": "DQR", "min": "1", "max": "2"}),
             "framework-has-crosswalk"),
        case("levels in the wrong order", scope(level_range={"framework": "LK-NVQ", "min": "4", "max": "3"}),
             "level-order"),
        case("a mandate that ends before it starts", scope(intervals=[{"start": "2026-02-01", "end": "2026-01-01"}]),
             "order-of-time"),
        case("connected and listed for more", {**SOUND, "did": CENTRE}, "connected-lists-nothing"),
    ]  # fmt: skip


if __name__ == "__main__":
    FILE.write_text(json.dumps(vectors(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
