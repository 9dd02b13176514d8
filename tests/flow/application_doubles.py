"""The cases of `test_doubles` that are about an employer's application to an authority."""

from typing import Any

from tests.flow.doubles import Calls, Case, Effect, Place

APPLICATION = {
    "country": "MLT",
    "uses": [
        {
            "aim": "To hire welders",
            "purposes": ["employment"],
            "credential_type": "qualification/1.0",
            "attributes": ["occupation_isco08"],
            "jurisdictions": ["MLT"],
            "keeps_days": 30,
            "privacy_policy": "https://yard.example.test/privacy",
            "legal_basis": "https://yard.example.test/law",
        }
    ],
}
REFUSAL = {"outcome": "refuse", "reason": "Not known here", "redress": "mailto:appeals@example.test"}


async def apply(place: Place) -> Calls:
    return Calls("/applications", APPLICATION, Effect.EACH)


async def applied(place: Place, *steps: tuple[str, dict[str, Any]]) -> tuple[str, dict[str, Any]]:
    """Return the ids of an application at the employer and, after some steps there, the case at the authority."""
    own = await place.employer.post("/applications", APPLICATION)
    case = {"id": own["standing"]["id"], "revision": 0}
    for step, told in steps:
        case = await place.at_desk("POST", f"/applications/{case['id']}/{step}", told)
    return own["id"], case


async def answer_application(place: Place) -> Calls:
    own, _ = await applied(place, ("ask-back", {"question": "Who are you?", "revision": 0}))

    async def check() -> None:
        looked = await place.employer.get(f"/applications/{own}")
        assert (looked["revision"], looked["standing"]["state"]) == (2, "RECEIVED")

    return Calls(f"/applications/{own}/answer", {"answer": "A yard"}, Effect.SAME, check=check)


async def ask_applicant(place: Place) -> Calls:
    _, case = await applied(place)
    body = {"question": "Who are you?", "revision": 0}
    return Calls(f"/applications/{case['id']}/ask-back", body, Effect.ONCE, place.official)


async def propose_decision(place: Place) -> Calls:
    _, case = await applied(place)
    body = {"decision": REFUSAL, "revision": 0}
    return Calls(f"/applications/{case['id']}/propose", body, Effect.ONCE, place.official)


async def approve_decision(place: Place) -> Calls:
    granted = {**REFUSAL, "outcome": "approve", "grants": APPLICATION["uses"]}
    _, case = await applied(place, ("propose", {"decision": granted, "revision": 0}))

    async def check() -> None:
        drafts = (await place.at_desk("GET", "/drafts"))["items"]
        decided = await place.at_desk("GET", f"/applications/{case['id']}")
        assert [draft["id"] for draft in drafts].count(decided["draft_id"]) == 1

    body = {"revision": case["revision"], "digest": case["digest"]}
    return Calls(f"/applications/{case['id']}/approve", body, Effect.SAME, place.official, check)


async def send_back(place: Place) -> Calls:
    _, case = await applied(place, ("propose", {"decision": REFUSAL, "revision": 0}))
    return Calls(f"/applications/{case['id']}/reject", {"why": "Look again"}, Effect.SAME, place.official)


async def take_up(place: Place) -> Calls:
    steps = (("propose", {"decision": REFUSAL, "revision": 0}), ("reject", {"why": "Look again"}))
    _, case = await applied(place, *steps)
    return Calls(f"/applications/{case['id']}/reopen", effect=Effect.SAME, token=place.official)


APPLICATION_CASES: list[tuple[str, str, str, Case]] = [
    ("employer", "POST", "/applications", apply),
    ("employer", "POST", "/applications/{id}/answer", answer_application),
    ("authority", "POST", "/applications/{id}/ask-back", ask_applicant),
    ("authority", "POST", "/applications/{id}/propose", propose_decision),
    ("authority", "POST", "/applications/{id}/approve", approve_decision),
    ("authority", "POST", "/applications/{id}/reject", send_back),
    ("authority", "POST", "/applications/{id}/reopen", take_up),
]
