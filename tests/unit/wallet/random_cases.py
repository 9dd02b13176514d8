"""Random values, requests and answers: the same for the same seed."""

import random
from dataclasses import dataclass
from typing import Final

from tests.unit.wallet.centre import Answer, Centre, Entry, Json

NUMBERS: Final = ("level", "eqf_level", "award_year", "expires_on")
"""Attributes that are always whole numbers of 32 bits, so that predicates can be about them."""

_TEXTS: Final = (
    "",
    " ",
    "C7212",
    "7212.5",
    "-",
    "1e3",
    "ʼ",
    "කොළඹ",
    "مرحبا",
    "x" * 3_000,
    "0x10",
    "\U0001f6e0",
    "null",
)
_EDGES: Final = (0, 1, -1, 2**31 - 1, -(2**31), 2**31, -(2**31) - 1, 20_261_127, 99_991_231)


def chances(seed: str) -> random.Random:
    """Chances that are the same in each run."""
    return random.Random(seed)  # noqa: S311 (no secret)


def random_values(chance: random.Random, centre: Centre) -> dict[str, str]:
    """Give every attribute of a centre's credential a text."""

    def value(name: str) -> str:
        if name in NUMBERS:
            return str(chance.choice([chance.randint(-(2**31), 2**31 - 1), chance.randint(0, 10)]))
        return chance.choice([chance.choice(_TEXTS), str(chance.choice(_EDGES)), f"text {chance.random()}"])

    return {name: value(name) for name in centre.attributes}


@dataclass(frozen=True)
class Case:
    """A request that can be answered, and an answer."""

    request: Json
    answers: list[Answer]
    self_attested: dict[str, str]


def random_case(chance: random.Random, entries: list[Entry]) -> Case:
    """Ask for parts of one to three of these credentials: groups, single attributes, unrevealed ones and predicates."""
    asked: Json = {
        "name": "test",
        "version": "1.0",
        "nonce": str(chance.randrange(1, 2**80)),
        "requested_attributes": {},
        "requested_predicates": {},
    }
    if chance.random() < 0.4:
        asked["non_revoked"] = {"to": 10_000}
    answers = [
        _ask(chance, asked, number, entry)
        for number, entry in enumerate(chance.sample(entries, chance.randint(1, min(3, len(entries)))))
    ]
    self_attested = {}
    if chance.random() < 0.2:
        asked["requested_attributes"]["own word"] = {"name": "phone"}
        self_attested["own word"] = "+94 77 123 4567"
    return Case(asked, answers, self_attested)


def _ask(chance: random.Random, asked: Json, number: int, entry: Entry) -> Answer:
    centre = entry.centre
    answer = Answer(entry)
    names = centre.attributes
    chance.shuffle(names)
    numbers = [name for name in names if name in NUMBERS]
    about = chance.choice([None, *numbers])
    names = [name for name in names if name != about]
    common: Json = {"restrictions": [{"cred_def_id": centre.definition_id}]}
    if "non_revoked" not in asked and chance.random() < 0.3:
        common["non_revoked"] = {"to": 10_000}
    wants_non_revocation = "non_revoked" in asked or "non_revoked" in common
    answer.proves_non_revocation = centre.registry is not None and wants_non_revocation

    if chance.random() < 0.7:
        referent = f"group {number}"
        asked["requested_attributes"][referent] = {"names": names[: chance.randint(1, len(names))], **common}
        answer.revealed.append(referent)
    for name in names[: chance.randint(0, 2)]:
        referent = f"{name} {number}"
        asked["requested_attributes"][referent] = {"name": _spelt(chance, name), **common}
        (answer.revealed if chance.random() < 0.6 else answer.unrevealed).append(referent)
    if about is not None or not answer.revealed + answer.unrevealed:
        for turn in range(chance.randint(1, 2)):
            referent = f"predicate {number} {turn}"
            name = about or numbers[0]
            if any(name in group.get("names", []) for group in asked["requested_attributes"].values()):
                break
            asked["requested_predicates"][referent] = {**_predicate(chance, name, int(entry.values[name])), **common}
            answer.predicates.append(referent)
    if not answer.revealed + answer.unrevealed + answer.predicates:
        return _ask(chance, asked, number, entry)
    return answer


def _spelt(chance: random.Random, name: str) -> str:
    """The same name: spaces and capitals do not count."""
    return chance.choice([name, name.title(), f"{name[:1]} {name[1:]}"])


def _predicate(chance: random.Random, name: str, value: int) -> Json:
    """A true one, often just so."""
    comparison = chance.choice(["<", "<=", ">=", ">"])
    distance = chance.choice([0, 1, 2, chance.randint(0, 1_000), chance.randint(0, 2**31 - 2)])
    bound = {
        ">=": value - distance,
        ">": value - distance - 1,
        "<=": value + distance,
        "<": value + distance + 1,
    }[comparison]
    if not -(2**31) <= bound < 2**31:
        return {"name": name, "p_type": ">=", "p_value": value}
    return {"name": name, "p_type": comparison, "p_value": bound}
