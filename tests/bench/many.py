"""A governance file as large as all accredited centres on earth might need, made without chance, written part by part.

Every value has the length and the variety of real ones: did:webvh ids, one or two credential definitions an issuer, one
to four occupations, mandates that begin on any day of fifteen years, links to decision, appeal and quality assurance, a
twentieth with a status. The same number of issuers gives the same bytes.
"""

import asyncio
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from wanderbuch.governance.divided.division import bucket_of, part_digest, part_name, suggest_parts
from wanderbuch.governance.facts.identifiers import Did, DidUrl
from wanderbuch.governance.form.cte_model import DESCRIPTION
from wanderbuch.governance.form.model import CROSSWALK, DIVIDED
from wanderbuch.governance.signed.signing import sign_file
from wanderbuch.schemas.occupations import isco08

AUTHOR: Final = Did.parse(
    "did:webvh:QmBenchAuthority1111111111111111111111111111111:authority.bench.wanderbuch.test:org"
)
PER_ISSUER: Final = 10
CREDENTIAL_TYPE: Final = "qualification/1.0"
COUNTRIES: Final = ("LKA", "IND", "NPL", "BGD", "PHL", "IDN", "VNM", "EGY", "MAR", "TUN", "KEN", "GHA", "UKR", "MDA")
DESTINATIONS: Final = ("MLT", "DEU", "ITA", "JPN", "KOR", "ARE", "QAT", "SAU")
FRAMEWORKS: Final = {"LK-NVQ": ("1", "2", "3", "4", "5", "6", "7"), "EQF": ("1", "2", "3", "4", "5", "6", "7", "8")}
_AGENCIES: Final = 150
_FIRST_DAY: Final = date(2010, 1, 1)
_DAYS: Final = 15 * 365
_BYTES_EACH: Final = 1000  # roughly, for the number of parts
_BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_TRADES: Final = ("Metal", "Building", "Electrical", "Food", "Care", "Textile", "Motor", "Wood", "Garden", "Hotel")


@dataclass(frozen=True, slots=True)
class ManyRecords:
    """A divided file that was written to a folder.

    Args:
        root: the signed root.
        key: whose signature it has, a raw Ed25519 public key.
    """

    folder: Path
    root: bytes
    key: bytes

    @classmethod
    def read(cls, folder: Path) -> "ManyRecords":
        """Return what `write_many` wrote."""
        return cls(folder, (folder / "current.jws").read_bytes(), (folder / "key").read_bytes())

    def read_part(self, digest: str) -> bytes:
        """Return the bytes of a part."""
        return (self.folder / part_name(digest)).read_bytes()


def write_many(folder: Path, issuers: int) -> int:
    """Write a signed file of so many issuers to `folder`; return how many bytes its parts have."""
    bits = (suggest_parts(issuers * PER_ISSUER * _BYTES_EACH) - 1).bit_length()  # a part for each bucket
    buckets: list[list[tuple[str, int]]] = [[] for _ in range(1 << bits)]
    for number in range(issuers):
        did = _did(number)
        buckets[bucket_of(did, bits)].append((did, number))
    (folder / part_name("")).parent.mkdir(parents=True)
    stated: list[dict[str, Any]] = []
    for bucket in buckets:
        part = f"[{','.join(_record(did, number) for did, number in sorted(bucket))}]".encode()
        digest = part_digest(part)
        (folder / part_name(digest)).write_bytes(part)
        stated.append({"digest": digest, "bytes": len(part)})
    key = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"bench").digest())

    async def sign(message: bytes) -> bytes:
        return key.sign(message)

    root = asyncio.run(sign_file(_root(bits, stated), DidUrl.parse(f"{AUTHOR}#key-1"), sign))
    (folder / "current.jws").write_bytes(root)
    (folder / "key").write_bytes(key.public_key().public_bytes_raw())
    return sum(statement["bytes"] for statement in stated)


def _root(bits: int, parts: list[dict[str, Any]]) -> bytes:
    levels = [{"level": level, "eqf": min(number, 7)} for number, level in enumerate(FRAMEWORKS["LK-NVQ"], start=1)]
    crosswalk = {
        "version": "bench-nvq-eqf-1",
        "framework": "LK-NVQ",
        "valid_from": "2000-01-01",
        "levels": levels,
        "source": "Invented for the bench.",
    }
    schema = f"{AUTHOR}/resources/zQmSchemaQuaLification1111111111111111111111111"
    payload = {
        "@context": ["https://identity.foundation/credential-trust-establishment/context.jsonld"],
        "id": "9a1de8d2-64be-4b4f-a43e-5f3c1b6d2a10",
        "name": "Every accredited centre (bench)",
        "version": 7,
        "format": "1.0",
        "last_updated": "2026-11-02T08:00:00Z",
        "author": AUTHOR,
        "schemas": [{"id": schema, "name": CREDENTIAL_TYPE}],
        "roles": {"issue_qualification": {"issue": [schema]}},
        "participants": {
            "id": "6d0b7a52-1a3c-4a55-9a0f-0a2f61d0a7c4",
            "author": AUTHOR,
            "created": "2026-11-02T08:00:00Z",
            "version": 7,
            "entries": {
                DESCRIPTION: {AUTHOR: {"name": "Authority of the bench"}},
                CROSSWALK: {AUTHOR: {"crosswalks": [crosswalk]}},
                DIVIDED: {AUTHOR: {"bits": bits, "parts": parts}},
            },
        },
    }
    return json.dumps(payload, separators=(",", ":")).encode()


def _base58(text: str) -> str:
    digest = hashlib.sha512(text.encode()).digest()
    return "".join(_BASE58[byte % 58] for byte in digest[:44])


def _did(number: int) -> str:
    return f"did:webvh:Qm{_base58(f'issuer {number}')}:centre-{number:06}.{_country(number).lower()}.example:org"


def _country(number: int) -> str:
    return COUNTRIES[number % len(COUNTRIES)]


class _Chance:
    """Numbers without pattern that are the same every time (a linear congruential generator, Knuth's MMIX)."""

    def __init__(self, seed: int) -> None:
        self._state = seed

    def below(self, end: int) -> int:
        """Return a number from 0 to `end` - 1."""
        self._state = (self._state * 6364136223846793005 + 1442695040888963407) & 0xFFFFFFFFFFFFFFFF
        return (self._state >> 33) % end


def _record(did: str, number: int) -> str:
    chance = _Chance(number)
    country = _country(number)
    own = f"{did}/resources/zQm{_base58(f'definition {number}')}"
    cred_defs = ",".join(f'"anoncreds:{own[:-1]}{_BASE58[index]}"' for index in range(1 + number % 2))
    accreditations = ",".join(_accreditations(own, number, country, cred_defs, chance))
    start = f"{2010 + number % 15}-{1 + number % 12:02}-01T00:00:00Z"
    name = f"{_TRADES[chance.below(10)]} training centre {number} of {country}"
    return (
        f'{{"accreditations":[{accreditations}],'
        f'"description":{{"name":"{name}","website":"https://centre-{number:06}.{country.lower()}.example/"}},'
        f'"did":"{did}","roles":[{{"role":"issue_qualification","start":"{start}"}}]}}'
    )


def _accreditations(own: str, number: int, country: str, cred_defs: str, chance: _Chance) -> Iterator[str]:
    agency = number % _AGENCIES
    host = f"https://agency-{agency:03}.example"
    for position in range(PER_ISSUER):
        name = f"AG{agency:03}-{2010 + position}-{number:06}{position}"
        first = chance.below(len(_CODES))
        scope = [_CODES[(first + 37 * number) % len(_CODES)] for number in range(1 + chance.below(4))]
        codes = ",".join(f'"{code}"' for code in scope)
        excluded = f'"excluded_occupations":["{_CODES[first - 5]}"],' if chance.below(100) < 3 else ""
        framework = "LK-NVQ" if chance.below(10) < 7 else "EQF"
        lowest = chance.below(4)
        begins = _FIRST_DAY + timedelta(days=chance.below(_DAYS))
        ends = f'"end":"{begins + timedelta(days=5 * 365 + 1)}",' if chance.below(10) < 4 else ""
        place = chance.below(len(DESTINATIONS))
        yield (
            f'{{"accreditingAgent":{{"did":"did:webvh:Qm{_AGENCY_IDS[agency]}:agency-{agency:03}.example:org",'
            f'"name":"Accreditation agency number {agency}"}},'
            f'"credential_types":["{CREDENTIAL_TYPE}"],'
            f'"decision":"{host}/decisions/{begins.year}/{name}",{excluded}"id":"{name}",'
            f'"intervals":[{{{ends}"start":"{begins}"}}],'
            f'"jurisdictions":["{country}","{DESTINATIONS[place]}","{DESTINATIONS[place - 3]}"],'
            f'"level_range":{{"framework":"{framework}","max":"{lowest + 4}","min":"{lowest + 1}"}},'
            f'"occupations":[{codes}],'
            f'"quality_assurance":"{host}/quality/{number:06}","redress":"{host}/appeals",'
            f'"sources":[{cred_defs}],{_status(own, begins, chance)}'
            f'"title":"{_TRADES[chance.below(10)]} trades, {scope[0]}"}}'
        )


def _status(own: str, begins: date, chance: _Chance) -> str:
    if chance.below(20):
        return ""
    day = begins + timedelta(days=chance.below(600))
    registries = ",".join(f'"anoncreds:{own[:-2]}{ending}"' for ending in ("aa", "bb"))
    return (
        f'"status":[{{"decided_on":"{day}","decision":"https://agency.example/decisions/{day}","effective_from":"{day}",'
        f'"reason":"Assessments were not supervised.","status":"suspended","statuses":[{registries}]}}],'
    )


_CODES: Final = tuple(sorted(code for code in isco08().codes if len(code) >= 4))
_AGENCY_IDS: Final = tuple(_base58(f"agency {number}") for number in range(_AGENCIES))
