"""A divided file to change: the records of the example file and of a few more issuers, and whoever signs the root."""

import base64
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from wanderbuch.governance.divided.bulk import load_divided, load_partly
from wanderbuch.governance.divided.division import canonical, divide, division_of, part_digest
from wanderbuch.governance.facts.file import GovernanceFile
from wanderbuch.governance.facts.identifiers import Did, DidUrl
from wanderbuch.governance.form.model import DIVIDED
from wanderbuch.governance.form.records import join, split
from wanderbuch.governance.form.validation import parse_file
from wanderbuch.governance.signed.signing import SignedGovernanceFile, digest_of

type Json = dict[str, Any]


def issuer(number: int) -> Did:
    place = "".join("123456789A"[int(digit)] for digit in f"{number:03}")  # base58 has no 0
    return Did.parse(f"did:webvh:Qmcentre{place}{'1' * 35}:issuer-{number}.wanderbuch.test:org")


def accreditation(number: int, **members: Any) -> Json:
    """Return an accreditation of `issuer(number)`."""
    return {
        "id": f"TA-{number:04}",
        "title": "Metal trades",
        "credential_types": ["qualification/1.0"],
        "sources": [f"anoncreds:{issuer(number)}/resources/zQm{'CredDef'.ljust(44, '1')}"],
        "occupations": ["C72"],
        "excluded_occupations": ["C7213"],
        "level_range": {"framework": "LK-NVQ", "min": "2", "max": "4"},
        "jurisdictions": ["LKA", "MLT"],
        "intervals": [{"start": "2019-01-01", "end": "2020-12-31"}, {"start": "2022-01-01"}],
        "status": [
            {
                "status": "suspended",
                "decided_on": "2026-09-15",
                "effective_from": "2026-09-01",
                "statuses": [f"anoncreds:{issuer(number)}/resources/zQm{'Registry'.ljust(44, '1')}"],
                "reason": "Assessments were not supervised.",
            }
        ],
        "accreditingAgent": {"name": "Training Authority of Sri Lanka (example)"},
        "decision": f"https://authority.wanderbuch.test/decisions/{number}",
        "redress": "https://authority.wanderbuch.test/appeals",
    } | members


def record(number: int, *accreditations: Json, **members: Any) -> Json:
    """Return a record of `issuer(number)`."""
    return {
        "did": str(issuer(number)),
        "description": {"name": f"Centre {number}", "website": f"https://issuer-{number}.wanderbuch.test/"},
        "roles": [{"role": "issue_qualification", "start": "2019-01-01T00:00:00Z"}],
        "accreditations": list(accreditations or [accreditation(number)]),
    } | members


def in_form_10(record: Json) -> Json:
    """Return a record as profile 1.0 wrote it."""
    old = json.loads(json.dumps(record))
    for accreditation in old["accreditations"]:
        accreditation["cred_def_ids"] = [one.removeprefix("anoncreds:") for one in accreditation.pop("sources")]
        for change in accreditation.get("status", ()):
            change["registries"] = [one.removeprefix("anoncreds:") for one in change.pop("statuses")]
    return old


@dataclass
class Divided:
    """A divided file in the hands of whoever may change its bytes: its root is always signed anew."""

    root: Json
    parts: dict[str, bytes]

    def signed(self) -> SignedGovernanceFile:
        payload = json.dumps(self.root).encode()
        file = parse_file(payload)
        return SignedGovernanceFile(file, digest_of(payload), payload, DidUrl.parse(f"{file.author}#key-1"))

    def load(self) -> GovernanceFile:
        return load_divided(self.signed(), self.parts.__getitem__)

    def load_partly(self, *dids: Did) -> GovernanceFile:
        return load_partly(self.signed(), self.parts.__getitem__, dids)

    def stated(self) -> Json:
        stated: Json = self.root["participants"]["entries"][DIVIDED][self.root["author"]]
        return stated

    def number_of(self, did: str) -> int:
        return division_of(self.root).number_of(did)

    def content(self, number: int) -> bytes:
        return self.parts[division_of(self.root).parts[number].digest]

    def replace_part(self, number: int, content: bytes) -> None:
        """Put other bytes in the place of a part; the root names them."""
        self.parts[part_digest(content)] = content
        stated = self.stated()["parts"][number]
        if "digest" in stated:
            stated |= {"digest": part_digest(content), "bytes": len(content)}
        else:
            sha256 = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
            stated |= {"sha256": sha256, "bytes": len(content)}

    def put(self, *records: Json) -> None:
        """Add records in their place, however wrong they are."""
        for one in records:
            number = self.number_of(one["did"])
            document = json.loads(self.content(number))
            self.replace_part(number, part_of([kept for kept in document if kept["did"] != one["did"]] + [one]))


def divided_evenly(document: Json, *records: Json, parts: int) -> Divided:
    """Return a file with further records in so many even parts."""
    header, listed = split(document)
    payload = join(header, listed | {str(one["did"]): one for one in records})
    return Divided(*divide(payload, parts=parts))


def part_of(records: Iterable[Json]) -> bytes:
    return canonical(sorted(records, key=lambda sorted_record: str(sorted_record["did"])))
