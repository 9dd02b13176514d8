"""Invented training centres for a governance file, as unlike each other as real ones: what is said twice deflates to
nothing, and a part of the file would look smaller than it is.

Each has a DID of random bytes, a host, a name in two or three words, one to three accreditations with numbers, trades,
levels, places and dates of their own, and the programmes that they are for. What all of them share is what a real
authority's file shares: its own DID, its addresses, the words of the format. The same `seed` makes the same centres.
"""

import base64
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

import base58

_SCHEMAS: Final = "https://identity.foundation/credential-trust-establishment/schemas"
_OURS: Final = "https://w3id.org/wanderbuch/governance/1.0"
_TYPE: Final = "qualification/1.0"
_FRAMEWORK: Final = "LK-NVQ"
_FIRST_DAY: Final = date(2008, 1, 1)
_DAYS: Final = 6_000
_TOWNS: Final = [
    "Ampara",
    "Anuradhapura",
    "Badulla",
    "Balangoda",
    "Bandarawela",
    "Batticaloa",
    "Beruwala",
    "Chilaw",
    "Colombo",
    "Dambulla",
    "Dehiwala",
    "Embilipitiya",
    "Galle",
    "Gampaha",
    "Hambantota",
    "Haputale",
    "Hatton",
    "Horana",
    "Jaffna",
    "Ja-Ela",
    "Kalmunai",
    "Kalutara",
    "Kandy",
    "Kegalle",
    "Kelaniya",
    "Kilinochchi",
    "Kuliyapitiya",
    "Kurunegala",
    "Maharagama",
    "Mannar",
    "Matale",
    "Matara",
    "Mihintale",
    "Monaragala",
    "Moratuwa",
    "Mullaitivu",
    "Nawalapitiya",
    "Negombo",
    "Nuwara-Eliya",
    "Panadura",
    "Polonnaruwa",
    "Puttalam",
    "Ratnapura",
    "Tangalle",
    "Trincomalee",
    "Vavuniya",
    "Wattala",
    "Weligama",
]
_SAINTS: Final = [
    "Ananda",
    "Asoka",
    "Bandara",
    "Dharmapala",
    "Dias",
    "Fernando",
    "Gamini",
    "Gunawardena",
    "Jayewardene",
    "Kumara",
    "Lanka",
    "Mahinda",
    "Mercy",
    "Nalanda",
    "Perera",
    "Rahula",
    "Rajapaksa",
    "Ranasinghe",
    "Royal",
    "Sarvodaya",
    "Senanayake",
    "Silva",
    "Sirimavo",
    "Sujatha",
    "Thurstan",
    "Vidyartha",
    "Visakha",
]
_KINDS: Final = (
    "Technical College",
    "Training Centre",
    "Vocational School",
    "Institute",
    "Academy",
    "Workshop School",
    "Polytechnic",
    "Apprenticeship Centre",
)
_TRADES: Final[Mapping[str, tuple[str, str, tuple[str, ...]]]] = {
    "C7212": ("Welder", "WELD", ("Arc welding of plates", "Gas welding", "Welding of pipes", "Inspect welds")),
    "C7213": ("Sheet-metal worker", "SHEET", ("Cut and fold sheets", "Ducts and gutters", "Read drawings")),
    "C7223": ("Machine tool operator", "TURN", ("Turning", "Milling", "Measure to a hundredth", "Mind the machines")),
    "C7231": ("Motor mechanic", "MOTOR", ("Brakes", "Engines", "Find faults by computer", "Electric vehicles")),
    "C7126": ("Plumber", "PIPE", ("Join copper and plastic", "Drains", "Pumps", "Hot water by the sun")),
    "C7411": ("Building electrician", "WIRE", ("Wire a house", "Earth and test", "Switchboards", "Panels on roofs")),
    "C7115": ("Carpenter", "WOOD", ("Formwork", "Roofs", "Doors and windows", "Set out a building")),
    "C7112": ("Bricklayer", "BRICK", ("Walls in bond", "Plaster", "Foundations", "Scaffolds for low walls")),
    "C5120": ("Cook", "COOK", ("Hygiene in a kitchen", "Rice and curry", "Bread and sweets", "Cost a menu")),
    "C5131": ("Waiter", "TABLE", ("Lay a table", "Serve a banquet", "Take orders in English")),
    "C5141": ("Hairdresser", "HAIR", ("Cut and dress", "Colour", "Keep the tools clean")),
    "C5321": ("Health care assistant", "CARE", ("Lift and turn", "Feed and wash", "Watch and report", "First aid")),
    "C7531": ("Tailor", "SEW", ("Take measure", "Cut cloth", "Sew by machine", "Finish by hand")),
    "C8332": ("Lorry driver", "DRIVE", ("Load and lash", "Drive on mountain roads", "Dangerous goods")),
    "C6113": ("Gardener", "GARDEN", ("Raise seedlings", "Graft", "Irrigate", "Keep tools")),
}


@dataclass(frozen=True, slots=True)
class Institution:
    """One centre: its DID, and what the file says of it by the schema that says it."""

    did: str
    statements: Mapping[str, Mapping[str, Any]]


def institutions(count: int, *, authority: Mapping[str, str], seed: int) -> Iterator[Institution]:
    """Make so many centres.

    Args:
        count: how many.
        authority: `name` and `did` of whom they are accredited by, and its `site`: "https://authority.example".
        seed: of all that is drawn.
    """
    drawn = random.Random(seed)  # noqa: S311 (nothing here is a secret)
    for number in range(count):
        yield _institution(number, authority, drawn)


def _institution(number: int, authority: Mapping[str, str], drawn: random.Random) -> Institution:
    town, saint, kind = drawn.choice(_TOWNS), drawn.choice(_SAINTS), drawn.choice(_KINDS)
    host = f"{saint}-{kind.split()[0]}-{town}-{number}.example".lower().replace("-eliya", "eliya")
    scid = base58.b58encode(b"\x12\x20" + drawn.randbytes(32)).decode()
    did = f"did:webvh:{scid}:{host}:org"
    trades = drawn.sample(sorted(_TRADES), drawn.choices((1, 2, 3), (6, 3, 1))[0])
    begun = _FIRST_DAY + timedelta(days=drawn.randrange(_DAYS))
    accreditations: list[dict[str, Any]] = []
    programmes: list[dict[str, Any]] = []
    for trade in trades:
        ident = f"{3 * number + len(accreditations):05}"  # each id is given once
        accreditation = _accreditation(did, trade, ident, begun, authority, drawn)
        accreditations.append(accreditation)
        programmes.extend(_programmes(trade, accreditation, drawn))
    return Institution(
        did,
        {
            f"{_SCHEMAS}/description.json": {"name": f"{saint} {kind}, {town}", "website": f"https://{host}/"},
            f"{_SCHEMAS}/roles.json": {"roles": [{"start": f"{begun}T00:00:00Z", "role": "issue_qualification"}]},
            f"{_OURS}/accreditation.json": {"accreditations": accreditations},
            f"{_OURS}/programmes.json": {"programmes": programmes},
        },
    )


def _accreditation(
    did: str, trade: str, number: str, begun: date, authority: Mapping[str, str], drawn: random.Random
) -> dict[str, Any]:
    start = begun + timedelta(days=drawn.randrange(700))
    ident = f"TA-{start.year}-{number}"
    definition = "z" + base58.b58encode(b"\x12\x20" + drawn.randbytes(32)).decode()
    low = drawn.randint(1, 3)
    intervals: list[dict[str, str]] = [{"start": start.isoformat()}]
    if drawn.random() < 0.3:  # it was interrupted once
        end = start + timedelta(days=drawn.randint(300, 900))
        again = end + timedelta(days=drawn.randint(30, 700))
        intervals = [{"start": start.isoformat(), "end": end.isoformat()}, {"start": again.isoformat()}]
    return {
        "id": ident,
        "title": f"{_TRADES[trade][0]}s, {drawn.choice(('day', 'evening', 'full-time', 'prior learning'))}",
        "credential_types": [_TYPE],
        "sources": [f"anoncreds:{did}/resources/{definition}"],
        "occupations": [trade],
        "level_range": {"framework": _FRAMEWORK, "min": str(low), "max": str(drawn.randint(low + 1, 6))},
        "jurisdictions": sorted({"LKA", *drawn.sample(("ARE", "CYP", "ITA", "JPN", "MLT", "QAT", "ROU"), 2)}),
        "intervals": intervals,
        "accreditingAgent": {"name": authority["name"], "did": authority["did"]},
        "decision": f"{authority['site']}/decisions/{ident}",
        "redress": f"{authority['site']}/appeals",
        "quality_assurance": f"{authority['site']}/quality/{ident}",
    }


def _programmes(trade: str, accreditation: Mapping[str, Any], drawn: random.Random) -> Iterator[dict[str, Any]]:
    title, short, units = _TRADES[trade]
    range_ = accreditation["level_range"]
    for level in drawn.sample(range(int(range_["min"]), int(range_["max"]) + 1), drawn.randint(1, 2)):
        taken = drawn.sample(units, drawn.randint(2, len(units)))
        yield {
            "id": f"TA-PRG-{base64.b32encode(drawn.randbytes(5)).decode()}",
            "accreditation": accreditation["id"],
            "title": f"{title}, level {level}",
            "occupation": trade,
            "framework": _FRAMEWORK,
            "level": str(level),
            "units": [{"id": f"{short}-U{1 + units.index(unit):02}", "title": unit} for unit in taken],
            "learning_settings": sorted(drawn.sample(("formal", "non-formal", "informal-rpl"), drawn.randint(1, 3))),
            "intervals": [{"start": accreditation["intervals"][-1]["start"]}],
        }
