import copy
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.thorough import examples
from tests.unit.governance.conftest import EXAMPLE, NOW, Json, fresh, payload_of

from wanderbuch.governance.comparing.differences import Difference, Effect, changes_trust, differences
from wanderbuch.governance.deciding.standing import standing
from wanderbuch.governance.facts.file import GovernanceFile
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.question import DateSpan, Purpose, Verdict
from wanderbuch.governance.facts.spans import OPEN_END
from wanderbuch.governance.facts.statements import (
    Party,
    PartyKind,
    Programme,
    Recognition,
    RecognitionLapse,
    Refusal,
    Regulation,
    Signatories,
    Succession,
    TrustedGovernance,
    VerifierAuthorization,
)
from wanderbuch.governance.form.cte_model import DESCRIPTION
from wanderbuch.governance.form.model import ACCREDITATION, CROSSWALK, PROGRAMMES
from wanderbuch.governance.form.validation import parse_file

COLOMBO = "did:webvh:QmExampCoLomboWeLding1111111111111111111111111:centre.wanderbuch.test:org"
OTHER = Did("did:webvh:QmOther11111111111111111111111111111111111111:other.wanderbuch.test:org")
ALWAYS = (DateSpan(date(2020, 1, 1), OPEN_END),)

type Change = Callable[[Json], object]


def accreditation(document: Json, did: str = COLOMBO) -> Json:
    first: Json = document["participants"]["entries"][ACCREDITATION][did]["accreditations"][0]
    return first


def compared(example: Json, change: Change) -> tuple[Difference, ...]:
    example["participants"]["entries"].pop(PROGRAMMES, None)  # they stand under accreditations that are taken out here
    later = copy.deepcopy(example)
    change(later)
    return differences(parse_file(payload_of(example)), parse_file(payload_of(later)))


def codes(differences: tuple[Difference, ...]) -> list[tuple[str, Effect]]:
    return [(difference.code, difference.effect) for difference in differences]


def test_a_file_does_not_differ_from_itself(example: Json) -> None:
    assert compared(example, lambda _: None) == ()


@pytest.mark.parametrize(
    ("change", "expected", "words"),
    [
        (
            lambda doc: accreditation(doc)["occupations"].append("C7112"),
            [("accreditation.occupations-gained", Effect.GAIN)],
            "Colombo Welding Centre (example) now also counts for C7112 (Bricklayers and related workers)",
        ),
        (
            lambda doc: accreditation(doc).update(occupations=["C7212"]),
            [("accreditation.occupations-lost", Effect.LOSS)],
            "but still C7212",
        ),
        (
            lambda doc: accreditation(doc).update(occupations=["C72", "C7212"]),
            [("accreditation.occupations-rewritten", Effect.NONE)],
            "mean the same",
        ),
        (
            lambda doc: accreditation(doc).update(occupations=["C721", "C722", "C723"]),
            [("accreditation.occupations-rewritten", Effect.NONE)],
            "mean the same",
        ),
        (
            lambda doc: accreditation(doc).update(occupations=["C721", "C722"]),
            [("accreditation.occupations-lost", Effect.LOSS)],
            "but still C721",
        ),
        (
            lambda doc: accreditation(doc)["excluded_occupations"].append("C7214"),
            [("accreditation.exclusions-gained", Effect.LOSS)],
            "is now excluded from C7214",
        ),
        (
            lambda doc: accreditation(doc).pop("excluded_occupations"),
            [("accreditation.exclusions-lost", Effect.GAIN)],
            "is no longer excluded from C7213",
        ),
        (
            lambda doc: accreditation(doc)["level_range"].update(max="4"),
            [("accreditation.levels-changed", Effect.LOSS)],
            "levels were LK-NVQ 2 to 5 and are now LK-NVQ 2 to 4",
        ),
        (
            lambda doc: accreditation(doc)["level_range"].update(min="1", max="4"),
            [("accreditation.levels-changed", Effect.CHANGE)],
            "LK-NVQ 1 to 4",
        ),
        (
            lambda doc: accreditation(doc).update(jurisdictions=["LKA", "DEU"]),
            [("accreditation.places-lost", Effect.LOSS), ("accreditation.places-gained", Effect.GAIN)],
            "no longer counts in Malta (MLT)",
        ),
        (
            lambda doc: accreditation(doc)["intervals"][1].update(end="2027-12-31"),
            [("accreditation.days-lost", Effect.LOSS)],
            "no longer counts for awards dated from 2028-01-01",
        ),
        (
            lambda doc: accreditation(doc)["intervals"][0].update(end="2021-03-31"),
            [("accreditation.days-gained", Effect.GAIN)],
            "2021-01-01 to 2021-03-31",
        ),
        (
            lambda doc: accreditation(doc).update(
                status=[{"status": "withdrawn", "decided_on": "2026-10-01", "effective_from": "2026-09-01"}]
            ),
            [("accreditation.withdrawn", Effect.LOSS)],
            "lost its accreditation for awards from 2026-09-01 on",
        ),
        (
            lambda doc: doc["participants"]["entries"][ACCREDITATION].pop(COLOMBO),
            [
                ("accreditation.removed", Effect.LOSS),
                ("accreditation.exclusions-lost", Effect.GAIN),
            ],
            "without a decision",
        ),
        (
            lambda doc: accreditation(doc).update(title="Metal work"),
            [("accreditation.texts-changed", Effect.NONE)],
            "texts or addresses changed: title",
        ),
        (
            lambda doc: doc["participants"]["entries"][DESCRIPTION][COLOMBO].update(name="Welding school"),
            [("participant.renamed", Effect.NONE)],
            "was called Colombo Welding Centre (example) before",
        ),
        (
            lambda doc: doc.update(version=2, description="Other words."),
            [("file.version", Effect.NONE), ("file.texts-changed", Effect.NONE)],
            "version 2 follows version 1",
        ),
    ],
)
def test_says_who_gained_or_lost_what(
    example: Json, change: Change, expected: list[tuple[str, Effect]], words: str
) -> None:
    differences = compared(example, change)
    assert codes(differences) == expected
    assert any(words in difference.text for difference in differences), [difference.text for difference in differences]
    assert changes_trust(differences) == any(effect is not Effect.NONE for _, effect in expected)
    json.dumps([dict(difference.parameters) for difference in differences])


def test_a_suspension_that_was_taken_out_of_the_file_is_not_a_reinstatement(example: Json) -> None:
    galle = "did:webvh:QmExampGaLLeTechnicaL1111111111111111111111111:galle.wanderbuch.test:org"
    assert codes(compared(example, lambda doc: accreditation(doc, galle).pop("status"))) == [
        ("accreditation.decisions-rewritten", Effect.CHANGE)
    ]
    lifted = {"status": "active", "decided_on": "2026-10-15", "effective_from": "2026-10-15"}
    assert codes(compared(example, lambda doc: accreditation(doc, galle)["status"].append(lifted))) == [
        ("accreditation.reinstated", Effect.GAIN)
    ]


def test_a_crosswalk_that_says_another_level_is_a_change(example: Json) -> None:
    def change(doc: Json) -> None:
        (statement,) = doc["participants"]["entries"][CROSSWALK].values()
        statement["crosswalks"][0]["levels"][5]["eqf"] = 6

    differences = compared(example, change)
    assert codes(differences) == [("crosswalk.levels-changed", Effect.CHANGE)]
    assert "6 is EQF 6, was EQF 5" in differences[0].text


def test_the_first_version_gains_everything(example: Json) -> None:
    changes = differences(None, parse_file(payload_of(example)))
    assert [difference.code for difference in changes].count("accreditation.granted") == 3
    assert "accreditation.suspended" in {difference.code for difference in changes}
    assert "file.first" in {difference.code for difference in changes}
    assert changes_trust(changes)


def test_another_author_is_named(example: Json) -> None:
    file = parse_file(payload_of(example))
    changes = differences(file, replace(file, author=OTHER))
    assert codes(changes) == [("file.author-changed", Effect.CHANGE)]


def test_another_address_of_the_file_is_named(example: Json) -> None:
    file = parse_file(payload_of(example))
    moved = replace(file, uri="https://elsewhere.wanderbuch.test/current.jws")
    [difference] = differences(file, moved)
    assert (difference.code, difference.effect) == ("file.uri-changed", Effect.CHANGE)
    assert "https://elsewhere.wanderbuch.test/current.jws" in difference.text
    assert file.uri is not None
    assert file.uri in difference.text
    assert differences(file, replace(file, uri=None)) == ()  # a draft does not say it yet


def recognition(**more: Any) -> Recognition:
    given: dict[str, Any] = {
        "id": "R-1",
        "publisher": OTHER,
        "credential_types": ("qualification/1.0",),
        "occupations": ("C72",),
        "excluded_occupations": (),
        "min_eqf_level": 1,
        "max_eqf_level": 4,
        "purposes": (Purpose.EMPLOYMENT,),
        "jurisdictions": ("LKA",),
        "intervals": ALWAYS,
        "lapses": (),
        "onward": 0,
        "decision": "https://a.test/d",
        "redress": "https://a.test/r",
    }
    return Recognition(**{**given, **more})


def verification(**more: Any) -> VerifierAuthorization:
    given: dict[str, Any] = {
        "id": "V-1",
        "verifier": OTHER,
        "credential_type": "qualification/1.0",
        "attributes": frozenset({"occupation_isco08"}),
        "predicates": frozenset(),
        "purposes": (Purpose.EMPLOYMENT,),
        "jurisdictions": ("LKA",),
        "intervals": ALWAYS,
        "legal_basis": "https://a.test/law",
        "redress": "https://a.test/r",
    }
    return VerifierAuthorization(**{**given, **more})


REGULATION = Regulation(
    "G-1", ("C2221",), ("LKA",), ALWAYS, "Nursing Council", "https://a.test/d", "https://a.test/r"
)  # fmt: skip
PROGRAMME = Programme("P-1", OTHER, "A-1", "Welding", "C7212", "LK-NVQ", "3", (), (), ALWAYS)
REFUSAL = Refusal("F-1", OTHER, ("C7212",), date(2026, 1, 1), "https://a.test/d", "No workshop.", "https://a.test/r")
SUCCESSION = Succession("S-1", OTHER, OTHER, date(2026, 1, 1), "https://a.test/d", None)
PARTY = Party(OTHER, "Employers' federation", PartyKind.EMPLOYERS)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({}, {"recognitions": (recognition(),)}, [("recognition.granted", Effect.GAIN)]),
        ({"recognitions": (recognition(),)}, {}, [("recognition.removed", Effect.LOSS)]),
        (
            {"recognitions": (recognition(),)},
            {"recognitions": (recognition(max_eqf_level=5, onward=1),)},
            [("recognition.levels-changed", Effect.GAIN), ("recognition.onward-changed", Effect.GAIN)],
        ),
        (
            {"recognitions": (recognition(),)},
            {"recognitions": (recognition(purposes=(Purpose.STUDY,)),)},
            [("recognition.purposes-lost", Effect.LOSS), ("recognition.purposes-gained", Effect.GAIN)],
        ),
        (
            {"recognitions": (recognition(),)},
            {"recognitions": (recognition(lapses=(RecognitionLapse(ALWAYS[0], None, None),)),)},
            [("recognition.lapses-changed", Effect.CHANGE)],
        ),
        (
            {"trusted_governance": (TrustedGovernance(OTHER, "https://a.test/current.jws"),)},
            {},
            [("authority.dropped", Effect.LOSS)],
        ),
        ({}, {"verifications": (verification(),)}, [("verification.granted", Effect.GAIN)]),
        (
            {"verifications": (verification(),)},
            {"verifications": (verification(attributes=frozenset({"occupation_isco08", "birth_date"})),)},
            [("verification.attributes-gained", Effect.GAIN)],
        ),
        (
            {"verifications": (verification(predicates=frozenset({"eqf_level"})),)},
            {"verifications": (verification(legal_basis="https://a.test/new"),)},
            [("verification.predicates-lost", Effect.LOSS), ("verification.texts-changed", Effect.NONE)],
        ),
        (
            {},
            {"regulations": (REGULATION,)},
            [("regulation.occupations-gained", Effect.LOSS), ("regulation.added", Effect.LOSS)],
        ),
        ({"regulations": (REGULATION,)}, {}, [("regulation.occupations-lost", Effect.GAIN)]),
        ({}, {"programmes": (PROGRAMME,)}, [("programme.added", Effect.NONE)]),
        (
            {"programmes": (PROGRAMME,)},
            {"programmes": (replace(PROGRAMME, level="4"),)},
            [("programme.changed", Effect.NONE)],
        ),
        ({}, {"refusals": (REFUSAL,)}, [("refusal.added", Effect.NONE)]),
        ({}, {"successions": (SUCCESSION,)}, [("succession.named", Effect.NONE)]),
        (
            {"successions": (SUCCESSION,)},
            {"successions": (replace(SUCCESSION, successor=Did(COLOMBO)),)},
            [("succession.named", Effect.NONE)],
        ),
        ({"successions": (SUCCESSION,)}, {}, [("succession.removed", Effect.NONE)]),
        ({}, {"signatories": Signatories(1, (PARTY,))}, [("signatories.changed", Effect.CHANGE)]),
        ({"signatories": Signatories(1, (PARTY,))}, {}, [("signatories.removed", Effect.CHANGE)]),
    ],
)
def test_compares_every_kind_of_statement(
    example: Json, before: dict[str, Any], after: dict[str, Any], expected: list[tuple[str, Effect]]
) -> None:
    nothing: dict[str, Any] = dict.fromkeys(
        ("recognitions", "trusted_governance", "verifications", "regulations", "programmes", "refusals"), ()
    )
    file: GovernanceFile = replace(parse_file(payload_of(example)), **nothing, signatories=None)
    assert codes(differences(replace(file, **before), replace(file, **after))) == expected
    assert differences(replace(file, **after), replace(file, **after)) == ()


def test_another_did_under_the_name_of_a_party_can_be_seen(example: Json) -> None:
    file = parse_file(payload_of(example))
    before = replace(file, signatories=Signatories(1, (PARTY,)))
    after = replace(file, signatories=Signatories(1, (replace(PARTY, did=Did(COLOMBO)),)))
    [difference] = differences(before, after)
    assert COLOMBO in difference.text
    assert PARTY.did in difference.text


_SCOPES = st.fixed_dictionaries(
    {
        "occupations": st.lists(st.sampled_from(["C7", "C72", "C7212", "C7411"]), min_size=1, unique=True),
        "excluded_occupations": st.lists(st.sampled_from(["C72", "C7212", "C7213"]), unique=True),
        "jurisdictions": st.lists(st.sampled_from(["LKA", "MLT"]), min_size=1, unique=True),
        "level_range": st.sampled_from(
            [{"framework": "LK-NVQ", "min": low, "max": high} for low, high in ("24", "25", "35", "44")]
        ),
        "intervals": st.sampled_from(
            [
                [{"start": "2018-01-01"}],
                [{"start": "2018-01-01", "end": "2021-12-31"}],
                [{"start": "2018-01-01", "end": "2019-12-31"}, {"start": "2021-06-01"}],
            ]
        ),
        "status": st.sampled_from(
            [
                [],
                [{"status": "suspended", "decided_on": "2022-02-01", "effective_from": "2022-01-01"}],
                [
                    {"status": "suspended", "decided_on": "2022-02-01", "effective_from": "2022-01-01"},
                    {"status": "active", "decided_on": "2023-02-01", "effective_from": "2023-01-01"},
                ],
            ]
        ),
        "title": st.sampled_from(["Metal", "Trades"]),
    }
)
_QUESTIONS = [
    (occupation, place, date(year, 7, 1), level)
    for occupation in ("C7212", "C7213", "C7411")
    for place in ("LKA", "MLT")
    for year in (2019, 2020, 2022, 2024)
    for level in (None, 3, 5)
]


def trusted(file: GovernanceFile) -> list[bool]:
    def counts(occupation: str, place: str, on: date, level: int | None) -> bool:
        decision = standing(
            fresh(file), issuer=Did(COLOMBO), occupation=occupation, jurisdiction=place, at=NOW, on=on, eqf_level=level
        )
        return decision.verdict is Verdict.TRUSTED

    return [counts(*question) for question in _QUESTIONS]


@settings(max_examples=examples(60), deadline=None)
@given(
    before=_SCOPES, after=_SCOPES, same=st.sets(st.sampled_from(["occupations", "level_range", "status", "intervals"]))
)
def test_what_is_said_of_trust_is_what_happens_to_decisions(
    before: dict[str, Any], after: dict[str, Any], same: set[str]
) -> None:
    document: Json = json.loads(EXAMPLE.read_bytes())
    document["participants"]["entries"].pop(PROGRAMMES, None)
    files = []
    for scope in (before, {**after, **{name: before[name] for name in same}}):
        accreditation(document).update(scope)
        files.append(parse_file(payload_of(document)))
    effects = {difference.effect for difference in differences(*files)} - {Effect.NONE}
    for was, now in zip(*map(trusted, files), strict=True):
        if was and not now:
            assert effects & {Effect.LOSS, Effect.CHANGE}
        if now and not was:
            assert effects & {Effect.GAIN, Effect.CHANGE}
