"""An application is who signed it, for one authority, of today, and small; everything else is refused."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from tests.unit.governance.conftest import NOW, KeyHolder

from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.signed.application import (
    APPLICATION_TYPE,
    MAX_APPLICATION_BYTES,
    Application,
    ApplicationError,
    sign_application,
    verify_application,
)
from wanderbuch.governance.signed.jws import SignatureError, sign_jws

AUTHORITY = Did.parse("did:webvh:QmAuth:authority.test:org")
USE: dict[str, Any] = {
    "aim": "To hire welders",
    "purposes": ["employment"],
    "credential_type": "qualification/1.0",
    "attributes": ["occupation_isco08"],
    "jurisdictions": ["MLT"],
    "keeps_days": 30,
    "privacy_policy": "https://yard.test/privacy",
    "legal_basis": "https://yard.test/law",
}


@pytest.fixture
def yard() -> KeyHolder:
    return KeyHolder("did:webvh:QmYard:yard.test:org")


def application(**changes: Any) -> Application:
    told: dict[str, Any] = {
        "id": "0" * 32,
        "to": AUTHORITY,
        "made_at": NOW,
        "name": "Valletta Yard",
        "country": "MLT",
        "wants": {"uses": [USE]},
    }
    return Application.model_validate(told | changes)


async def signed(yard: KeyHolder, **changes: Any) -> bytes:
    return await sign_application(application(**changes), kid=yard.kid, sign=yard.sign)


async def read(received: bytes, yard: KeyHolder) -> tuple[Did, Application]:
    return await verify_application(received, to=AUTHORITY, resolve_key=yard.resolve_key, at=NOW)


async def test_what_was_signed_is_read_and_the_applicant_is_whose_key_it_is(yard: KeyHolder) -> None:
    assert await read(await signed(yard), yard) == (yard.did, application())


async def test_what_somebody_else_signed_in_its_name_is_refused(yard: KeyHolder) -> None:
    forger = KeyHolder("did:webvh:QmForger:forger.test:org")
    forged = await sign_application(application(), kid=yard.kid, sign=forger.sign)
    with pytest.raises(SignatureError):
        await read(forged, yard)


async def test_an_altered_one_is_refused(yard: KeyHolder) -> None:
    header, payload, signature = (await signed(yard)).split(b".")
    other = (await signed(yard, name="Another Yard")).split(b".")[1]
    assert other != payload
    with pytest.raises(SignatureError):
        await read(b".".join((header, other, signature)), yard)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"to": "did:webvh:QmOther:other.test:org"}, "another authority"),
        ({"made_at": NOW - timedelta(days=1, seconds=1)}, "of the last day"),
        ({"made_at": NOW + timedelta(minutes=11)}, "from the future"),
    ],
)
async def test_one_for_another_authority_or_another_day_is_refused(
    yard: KeyHolder, changes: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ApplicationError, match=complaint):
        await read(await signed(yard, **changes), yard)


async def test_a_later_revision_may_be_older_than_a_day(yard: KeyHolder) -> None:
    assert (await read(await signed(yard, revision=2, made_at=NOW - timedelta(days=3)), yard))[1].revision == 2


@pytest.mark.parametrize("payload", [b"{}", b"[]", b'{"id":1,"id":2}', b"\xff"], ids=str)
async def test_what_is_no_application_is_refused(yard: KeyHolder, payload: bytes) -> None:
    jws = await sign_jws(payload, kid=yard.kid, typ=APPLICATION_TYPE, sign=yard.sign)
    with pytest.raises(ApplicationError):
        await read(jws, yard)


async def test_a_huge_one_is_refused_before_anybody_is_asked_for_a_key(yard: KeyHolder) -> None:
    with pytest.raises(SignatureError, match="at most"):
        await read(await signed(yard) + b"A" * MAX_APPLICATION_BYTES, yard)
    assert yard.asked == []


@pytest.mark.parametrize(
    "change",
    [
        {"attributes": [], "predicates": []},
        {"attributes": ["shoe_size"]},
        {"purposes": []},
        {"purposes": ["marketing"]},
        {"privacy_policy": "javascript:alert(1)"},
        {"keeps_days": -1},
        {"surprise": 1},
    ],
    ids=str,
)
def test_a_use_says_what_there_is(change: dict[str, Any]) -> None:
    application()
    with pytest.raises(ValidationError):
        application(wants={"uses": [USE | change]})


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "Hospital \u202edraY"},
        {"name": "Yard\nApproved by the ministry"},
        {"name": " "},
        {"name": "x" * 201},
        {"email": "office@yard.test\nBcc: all"},
        {"email": "office\u2066@yard.test"},
        {"wants": {"uses": [USE | {"aim": "To hire\x00 welders"}]}},
        {"wants": {"uses": [USE | {"aim": "To hire \u2067welders"}]}},
    ],
    ids=ascii,
)
def test_a_text_that_looks_other_than_it_is_stands_in_no_application(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        application(**changes)


@pytest.mark.parametrize("name", ["Valletta Yard", "ශ්\u200dරී ලංකා", "شركة البناء"])
def test_names_of_all_scripts_stand_in_one(name: str) -> None:
    assert application(name=name, email="office@yard.test").name == name
