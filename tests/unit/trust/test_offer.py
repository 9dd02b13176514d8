"""An offer is judged before it can be accepted; what comes must be what was offered."""

import contextlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.trust.ecosystem import SCHEMA_ID, TYPE, WELDER_VALUES, Issuer, digest, values, webvh

from wanderbuch.errors import CredentialError
from wanderbuch.governance.facts.anoncreds_ids import CredDefId, SchemaId
from wanderbuch.governance.facts.question import Verdict
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.plugins.trust.offer import ReceivedOffer, ResolvedDefinition, differences, judge_offer, read_offer
from wanderbuch.schemas.encoding import encode

DEFINITION = ResolvedDefinition(SCHEMA_ID, TYPE.name, TYPE.version, TYPE.attr_names)
FORMATS = ["anoncreds/credential-offer@v1.0"]


def offer_by(issuer: Issuer, **changed: str) -> ReceivedOffer:
    return ReceivedOffer(SCHEMA_ID, issuer.cred_def_id, values(**changed))


def codes(offer: ReceivedOffer, snapshot: GovernanceSnapshot | None, at: datetime) -> tuple[Verdict, list[str]]:
    decision = judge_offer(offer, DEFINITION, snapshot, at=at)
    return decision.verdict, [reason.code for reason in decision.reasons]


def test_trusts_a_welder_of_an_accredited_centre(
    training_centre: Issuer, snapshot: GovernanceSnapshot, now: datetime
) -> None:
    decision = judge_offer(offer_by(training_centre), DEFINITION, snapshot, at=now)
    assert decision.verdict is Verdict.TRUSTED
    assert decision.governance == snapshot.ref


def test_does_not_trust_a_welder_of_a_school_for_cooks(
    cooking_school: Issuer, snapshot: GovernanceSnapshot, now: datetime
) -> None:
    assert codes(offer_by(cooking_school), snapshot, now)[0] is Verdict.NOT_TRUSTED


def test_trusts_a_cook_of_the_same_school(cooking_school: Issuer, snapshot: GovernanceSnapshot, now: datetime) -> None:
    assert codes(offer_by(cooking_school, occupation_isco08="C5120"), snapshot, now)[0] is Verdict.TRUSTED


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"occupation_isco08": "7212"}, "offer.value"),
        ({"eqf_min_5": "1"}, "offer.value"),
        ({"award_year": "2023"}, "offer.value"),
        ({"framework_level": "9"}, "offer.value"),
        ({"details": "\u202eevil"}, "offer.value"),
        ({"eqf_level": "5"}, "level.miscomputed"),
    ],
)
def test_does_not_trust_values_that_are_not_canonical_or_do_not_fit(
    training_centre: Issuer, snapshot: GovernanceSnapshot, now: datetime, changed: Mapping[str, str], code: str
) -> None:
    assert codes(offer_by(training_centre, **changed), snapshot, now) == (Verdict.NOT_TRUSTED, [code])


def test_does_not_know_without_the_definition(
    training_centre: Issuer, snapshot: GovernanceSnapshot, now: datetime
) -> None:
    decision = judge_offer(offer_by(training_centre), None, snapshot, at=now)
    assert (decision.verdict, decision.reasons[0].code) == (Verdict.UNKNOWN, "offer.unresolved")


def test_does_not_know_without_governance(training_centre: Issuer, now: datetime) -> None:
    assert codes(offer_by(training_centre), None, now)[0] is Verdict.UNKNOWN


def test_is_stale_when_the_freshness_has_run_out(
    training_centre: Issuer, snapshot: GovernanceSnapshot, now: datetime
) -> None:
    assert codes(offer_by(training_centre), snapshot, now + timedelta(hours=2))[0] is Verdict.STALE


@pytest.mark.parametrize(
    ("definition", "code"),
    [
        (replace(DEFINITION, schema_id="did:webvh:other"), "offer.other_schema"),
        (replace(DEFINITION, schema_name="licence"), "offer.unknown_type"),
        (replace(DEFINITION, attr_names=(*TYPE.attr_names, "extra")), "offer.other_attributes"),
    ],
)
def test_does_not_trust_a_definition_for_something_else(
    training_centre: Issuer, snapshot: GovernanceSnapshot, now: datetime, definition: ResolvedDefinition, code: str
) -> None:
    decision = judge_offer(offer_by(training_centre), definition, snapshot, at=now)
    assert (decision.verdict, decision.reasons[0].code) == (Verdict.NOT_TRUSTED, code)


def test_does_not_trust_an_offer_that_lacks_an_attribute(
    training_centre: Issuer, snapshot: GovernanceSnapshot, now: datetime
) -> None:
    short = {name: value for name, value in WELDER_VALUES.items() if name != "details"}
    offer = ReceivedOffer(SCHEMA_ID, training_centre.cred_def_id, short)
    assert codes(offer, snapshot, now) == (Verdict.NOT_TRUSTED, ["offer.other_attributes"])


def read(**changed: Any) -> ReceivedOffer:
    cred_def_id = CredDefId.of(webvh("centre"), digest())
    given: dict[str, Any] = {
        "formats": FORMATS,
        "attachment": {"schema_id": str(SCHEMA_ID), "cred_def_id": str(cred_def_id)},
        "preview": [(name, value, None) for name, value in WELDER_VALUES.items()],
    }
    return read_offer(**(given | changed))


def test_reads_an_offer() -> None:
    assert read().values == WELDER_VALUES


@pytest.mark.parametrize(
    "changed",
    [
        {"formats": []},
        {"formats": ["hlindy/cred-abstract@v2.0"]},
        {"formats": [*FORMATS, "aries/ld-proof-vc-detail@v1.0"]},
        {"attachment": None},
        {"attachment": {"schema_id": "WgWxqztrNooG92RXvxSTWv:2:s:1.0", "cred_def_id": "x"}},
        {"preview": []},
        {"preview": [("a", "1", None), ("a", "2", None)]},
        {"preview": [("a", "aGk=", "text/plain")]},
        {"preview": [("a", 1, None)]},
        {"preview": [(str(n), "1", None) for n in range(65)]},
    ],
)
def test_refuses_an_offer_of_another_form(changed: Mapping[str, Any]) -> None:
    with pytest.raises(CredentialError):
        read(**changed)


def credential(offer: ReceivedOffer, **raw: str) -> dict[str, Any]:
    signed = dict(offer.values) | raw
    return {
        "schema_id": str(offer.schema_id),
        "cred_def_id": str(offer.cred_def_id),
        "values": {name: {"raw": value, "encoded": encode(value)} for name, value in signed.items()},
    }


def differing(offer: ReceivedOffer, received: object) -> list[str]:
    return [reason.code for reason in differences(offer, received)]


def test_takes_a_credential_that_equals_its_offer() -> None:
    offer = read()
    assert differing(offer, credential(offer)) == []


def test_finds_a_level_that_is_lower_than_offered() -> None:
    offer = read()
    assert differing(offer, credential(offer, eqf_level="3")) == ["credential.other_value"]


def test_finds_an_encoding_that_signs_something_else() -> None:
    offer = read()
    received = credential(offer)
    received["values"]["occupation_isco08"]["encoded"] = "1"
    assert differing(offer, received) == ["credential.encoding"]


def test_finds_missing_and_further_attributes() -> None:
    offer = read()
    received = credential(offer, colour="blue")
    del received["values"]["details"]
    assert differing(offer, received) == ["credential.other_attributes", "credential.other_attributes"]


def test_finds_another_definition() -> None:
    offer = read()
    other = credential(replace(offer, schema_id=SchemaId.of(webvh("other"), digest())))
    assert differing(offer, other) == ["credential.other_object"]


@pytest.mark.parametrize("received", [None, [], {"values": []}, {}])
def test_refuses_what_is_no_credential(received: object) -> None:
    assert differing(read(), received) == ["credential.malformed"]


def test_never_repeats_a_value() -> None:
    offer = read()
    told = str(differences(offer, credential(offer, family_name="Fernando"))) + repr(offer)
    assert "Fernando" not in told
    assert "Perera" not in told


def spelled(name: str) -> str:
    """Another spelling of the same attribute."""
    return f" {name.upper()[:3]} {name.upper()[3:]}"


def test_an_offer_and_its_credential_may_spell_names_as_anoncreds_lets_them(
    training_centre: Issuer, snapshot: GovernanceSnapshot, now: datetime
) -> None:
    offer = read(preview=[(spelled(name), value, None) for name, value in WELDER_VALUES.items()])
    assert offer.values == read().values
    received = credential(offer)
    received["values"] = {name.title(): value for name, value in received["values"].items()}
    assert differing(offer, received) == []
    definition = replace(DEFINITION, attr_names=tuple(spelled(name) for name in TYPE.attr_names))
    offer = replace(offer, cred_def_id=training_centre.cred_def_id)
    assert judge_offer(offer, definition, snapshot, at=now).verdict is Verdict.TRUSTED


def test_refuses_an_attribute_in_two_spellings(
    training_centre: Issuer, snapshot: GovernanceSnapshot, now: datetime
) -> None:
    with pytest.raises(CredentialError, match="once"):
        read(preview=[*((name, value, None) for name, value in WELDER_VALUES.items()), ("Family_Name", "Silva", None)])
    offer = read()
    received = credential(offer)
    received["values"]["Family_Name"] = {"raw": "Silva", "encoded": encode("Silva")}
    assert differing(offer, received) == ["credential.other_attributes"]
    definition = replace(DEFINITION, attr_names=(*TYPE.attr_names, "Family_Name"))
    offer = replace(offer, cred_def_id=training_centre.cred_def_id)
    decision = judge_offer(offer, definition, snapshot, at=now)
    assert [reason.code for reason in decision.reasons] == ["offer.other_attributes"]


def test_a_name_that_only_looks_alike_is_another() -> None:
    offer = read()
    received = credential(offer)
    received["values"]["family-name"] = received["values"].pop("family_name")
    assert differing(offer, received) == ["credential.other_attributes"] * 2


def test_trusts_a_certificate_number_with_leading_zeros_only_with_its_mark(
    training_centre: Issuer, snapshot: GovernanceSnapshot, now: datetime
) -> None:
    assert codes(offer_by(training_centre, credential_id="#000123"), snapshot, now)[0] is Verdict.TRUSTED
    assert codes(offer_by(training_centre, credential_id="000123"), snapshot, now) == (
        Verdict.NOT_TRUSTED,
        ["offer.value"],
    )


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12) | st.just(str(SCHEMA_ID)),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=8), below, max_size=3),
    max_leaves=6,
)


@given(
    attachment=JSON_VALUES | st.dictionaries(st.sampled_from(["schema_id", "cred_def_id"]), JSON_VALUES),
    preview=st.lists(st.tuples(st.text(max_size=8), JSON_VALUES, st.none() | st.text(max_size=3)), max_size=4),
    received=JSON_VALUES | st.dictionaries(st.sampled_from(["schema_id", "cred_def_id", "values"]), JSON_VALUES),
)
def test_whatever_is_offered_is_an_offer_or_refused_in_our_own_words(
    attachment: Any, preview: Any, received: Any
) -> None:
    with contextlib.suppress(CredentialError):
        read(attachment=attachment)
    with contextlib.suppress(CredentialError):
        read(preview=preview)
    assert differences(read(), received)
