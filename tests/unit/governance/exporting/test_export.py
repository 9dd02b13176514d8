import base64
import copy
import csv
import hashlib
import io
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import base58
import jsonschema
import pytest
from cryptography.exceptions import InvalidSignature
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.thorough import examples
from tests.unit.governance.conftest import EXAMPLE, VECTORS, Json, KeyHolder, payload_of

from wanderbuch.governance.exporting.csv_list import csv_list
from wanderbuch.governance.exporting.data_integrity import signed_bytes, with_proof
from wanderbuch.governance.exporting.ebsi import ebsi_issuers
from wanderbuch.governance.exporting.export import Export
from wanderbuch.governance.exporting.lote import list_of_trusted_entities
from wanderbuch.governance.exporting.recognized_entities import recognized_entity_credential
from wanderbuch.governance.exporting.scope_schema import digest_multibase
from wanderbuch.governance.facts.file import GovernanceFile
from wanderbuch.governance.form.cte_model import DESCRIPTION, ROLES
from wanderbuch.governance.form.findings import GovernanceFileError
from wanderbuch.governance.form.model import ACCREDITATION, PROGRAMMES
from wanderbuch.governance.form.validation import parse_file
from wanderbuch.governance.importing.draft import draft_from
from wanderbuch.governance.importing.rows import ImportSettings
from wanderbuch.governance.lists.reading import read_list

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
WEEK = timedelta(days=7)
COLOMBO = "did:webvh:QmExampCoLomboWeLding1111111111111111111111111:centre.wanderbuch.test:org"
GALLE = "did:webvh:QmExampGaLLeTechnicaL1111111111111111111111111:galle.wanderbuch.test:org"


@pytest.fixture
def file(example: Json) -> GovernanceFile:
    return parse_file(payload_of(example))


def schema(name: str) -> Json:
    document: Json = json.loads((VECTORS / "exporting" / f"{name}.schema.json").read_bytes())
    return document


def codes(export: Export) -> set[str]:
    return {loss.code for loss in export.losses}


def accreditation(document: Json, did: str = COLOMBO) -> Json:
    first: Json = document["participants"]["entries"][ACCREDITATION][did]["accreditations"][0]
    return first


def emptied(document: Json) -> Json:
    """Return the file without participants' statements but the author's, as `init` would make it."""
    copied = copy.deepcopy(document)
    entries = copied["participants"]["entries"]
    for uri in (ACCREDITATION, PROGRAMMES, ROLES):
        entries.pop(uri, None)
    entries[DESCRIPTION] = {copied["author"]: entries[DESCRIPTION][copied["author"]]}
    return copied


class TestCsv:
    def test_reads_back_as_what_it_was(self, example: Json, file: GovernanceFile) -> None:
        report = draft_from(read_list(csv_list(file).content), emptied(example), ImportSettings(), at=NOW)
        assert report.draft is not None, [str(finding) for finding in report.findings]
        again = parse_file(payload_of(dict(report.draft)))
        assert again.index.by_issuer == file.index.by_issuer
        assert set(again.programmes) == set(file.programmes)
        named = {
            (participant.did, participant.name, participant.website, participant.email)
            for participant in again.participants
        }
        assert named == {
            (participant.did, participant.name, participant.website, participant.email)
            for participant in file.participants
        }

    def test_into_the_file_itself_it_changes_nothing(self, example: Json, file: GovernanceFile) -> None:
        report = draft_from(read_list(csv_list(file).content), example, ImportSettings(), at=NOW)
        assert report.ok, [str(finding) for finding in report.findings]
        assert report.draft is None

    def test_no_cell_is_a_formula(self, example: Json) -> None:
        for text in ("=1+1", "+1", "-1", "@SUM(A1)"):
            accreditation(example)["title"] = text
            exported = csv_list(parse_file(payload_of(example)))
            cells = [cell for row in csv.reader(io.StringIO(exported.content.decode("utf-8-sig"))) for cell in row]
            assert f"'{text}" in cells
            assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
            assert draft_from(read_list(exported.content), example, ImportSettings(), at=NOW).draft is None

    def test_what_does_not_read_back_is_told(self, example: Json) -> None:
        accreditation(example)["title"] = " -"
        assert "cell.not-exact" in codes(csv_list(parse_file(payload_of(example))))
        accreditation(example)["title"] = "-x"
        assert "cell.not-exact" not in codes(csv_list(parse_file(payload_of(example))))

    def test_names_what_a_list_cannot_hold(self, file: GovernanceFile) -> None:
        lost = codes(csv_list(file))
        assert {"file.crosswalks", "participant.roles"} <= lost
        assert "file.crosswalks" not in codes(csv_list(replace(file, crosswalks=())))

    @settings(max_examples=examples(25), deadline=None)
    @given(
        title=st.text(min_size=1, max_size=20),
        days=st.lists(st.dates(date(2000, 1, 1), date(2026, 1, 1)), min_size=2, max_size=4, unique=True),
        open_ended=st.booleans(),
        occupations=st.lists(st.sampled_from(["C72", "C7112", "C7126", "C7411"]), min_size=1, unique=True),
    )
    def test_any_accreditation_reads_back_or_is_told(
        self, title: str, days: list[date], open_ended: bool, occupations: list[str]
    ) -> None:
        example: Json = json.loads(EXAMPLE.read_bytes())
        example["participants"]["entries"].pop(PROGRAMMES, None)
        ordered = sorted(days)[: len(days) // 2 * 2]
        intervals = [{"start": str(a), "end": str(b)} for a, b in zip(ordered[::2], ordered[1::2], strict=True)]
        if open_ended:
            intervals[-1].pop("end")
        accreditation(example).update(title=title, occupations=occupations, intervals=intervals)
        accreditation(example).pop("excluded_occupations")
        try:
            file = parse_file(payload_of(example))
        except GovernanceFileError:  # a title that no file may have
            return
        exported = csv_list(file)
        report = draft_from(read_list(exported.content), emptied(example), ImportSettings(), at=NOW)
        if "cell.not-exact" not in codes(exported):
            assert report.draft is not None, [str(finding) for finding in report.findings]
            assert parse_file(payload_of(dict(report.draft))).index.by_issuer == file.index.by_issuer


class TestRecognizedEntities:
    def credential(self, file: GovernanceFile, at: datetime = NOW) -> Json:
        document: Json = json.loads(recognized_entity_credential(file, at=at, lifetime=WEEK).content)
        jsonschema.validate(document, schema("recognized-entity-credential"))
        return document

    def action(self, credential: Json, did: str = COLOMBO) -> Json:
        (entity,) = [subject for subject in credential["credentialSubject"] if subject["id"] == did]
        recognition: Json = entity["recognizedTo"]
        return recognition

    def scope(self, credential: Json) -> Json:
        validation = self.action(credential)["outputValidation"]
        content = base64.b64decode(validation["id"].partition(",")[2])
        assert validation["digestMultibase"] == digest_multibase(content)
        document: Json = json.loads(content)
        jsonschema.Draft202012Validator.check_schema(document)
        return document

    def test_says_who_counts_today_and_until_when(self, file: GovernanceFile) -> None:
        credential = self.credential(file)
        assert credential["issuer"]["id"] == file.author
        assert credential["validUntil"] == "2026-11-29T12:00:00Z"
        assert self.action(credential)["action"] == "issue"
        assert GALLE not in {subject["id"] for subject in credential["credentialSubject"]}  # suspended
        assert "accreditation.not-in-force" in codes(recognized_entity_credential(file, at=NOW, lifetime=WEEK))

    def test_does_not_outlive_a_mandate(self, example: Json) -> None:
        accreditation(example)["intervals"][1]["end"] = "2026-11-24"
        credential = self.credential(parse_file(payload_of(example)))
        assert credential["validUntil"] == "2026-11-25T12:00:00Z"  # when that day is over everywhere

    @pytest.mark.parametrize(
        ("at", "told"),
        [
            (datetime(2026, 8, 31, 9, 59, 59, tzinfo=UTC), True),
            (datetime(2026, 8, 31, 10, 0, tzinfo=UTC), False),  # 1 September in UTC+14, the day of the suspension
            (datetime(2026, 8, 31, 20, 0, tzinfo=UTC), False),
        ],
    )
    def test_a_suspension_counts_from_its_first_day_anywhere(
        self, file: GovernanceFile, at: datetime, told: bool
    ) -> None:
        exported = recognized_entity_credential(file, at=at, lifetime=WEEK)
        assert (GALLE in {subject["id"] for subject in json.loads(exported.content)["credentialSubject"]}) is told

    @pytest.mark.parametrize(
        ("attributes", "fits"),
        [
            ({}, True),
            ({"occupation_isco08": "C7213"}, False),
            ({"occupation_isco08": "C7411"}, False),
            ({"occupation_isco08": "C721"}, False),  # a part of it is excluded
            ({"occupation_isco08": "C72120"}, False),
            ({"framework_level": "6"}, False),
            ({"framework": "EQF"}, False),
            ({"awarded_on": 20220630}, False),
            ({"awarded_on": 20220701}, True),
        ],
    )
    def test_the_scope_is_a_schema_that_holds(self, file: GovernanceFile, attributes: Json, fits: bool) -> None:
        scope = self.scope(self.credential(file))
        signed = {
            "occupation_isco08": "C7212",
            "framework": "LK-NVQ",
            "framework_level": "3",
            "awarded_on": 20240501,
        }
        assert jsonschema.Draft202012Validator(scope).is_valid({**signed, **attributes}) == fits

    def test_names_what_it_widens(self, file: GovernanceFile) -> None:
        losses = recognized_entity_credential(file, at=NOW, lifetime=WEEK).losses
        assert {"accreditation.places", "accreditation.definitions"} <= {loss.code for loss in losses if loss.widens}

    def test_a_file_of_nobody_is_still_a_credential(self, file: GovernanceFile) -> None:
        nobody = replace(file, accreditations=(), verifications=())
        assert self.credential(nobody)["credentialSubject"] == [{"id": file.author, "type": "RecognizedEntity"}]
        assert "entities.none" in codes(recognized_entity_credential(nobody, at=NOW, lifetime=WEEK))

    async def test_a_proof_holds_for_exactly_this_credential(self, file: GovernanceFile, authority: KeyHolder) -> None:
        signed = await with_proof(self.credential(file), authority.kid, authority.sign, at=NOW)
        jsonschema.validate(signed, schema("recognized-entity-credential"))
        signature = base58.b58decode(signed["proof"]["proofValue"][1:])
        options = {name: value for name, value in signed["proof"].items() if name != "proofValue"}
        document = {name: value for name, value in signed.items() if name != "proof"}
        public = authority.key.public_key()
        public.verify(signature, signed_bytes(document, options))
        with pytest.raises(InvalidSignature):
            public.verify(signature, signed_bytes({**document, "validUntil": "2099-01-01T00:00:00Z"}, options))
        with pytest.raises(InvalidSignature):
            public.verify(signature, signed_bytes(document, {**options, "proofPurpose": "authentication"}))


class TestEbsi:
    def issuers(self, file: GovernanceFile) -> dict[str, list[tuple[str, Json]]]:
        issuers_by_name: dict[str, list[tuple[str, Json]]] = {}
        for issuer in json.loads(ebsi_issuers(file).content)["issuers"]:
            jsonschema.validate(issuer, schema("ebsi-issuer"))
            for attribute in issuer["attributes"]:
                body = base64.b64decode(attribute["body"])
                assert attribute["hash"] == hashlib.sha256(body).hexdigest()
                record = json.loads(body)
                jsonschema.validate(record, schema("ebsi-accreditation"))
                assert record["credentialSubject"]["id"] == issuer["did"]
                issuers_by_name.setdefault(issuer["did"], []).append((attribute["issuerType"], record))
        return issuers_by_name

    def test_each_mandate_is_an_attribute_with_its_end(self, file: GovernanceFile) -> None:
        (first, second) = self.issuers(file)[COLOMBO]
        assert (first[0], first[1]["validFrom"], first[1]["expirationDate"]) == (
            "TI",
            "2018-03-31T10:00:00Z",
            "2021-01-01T12:00:00Z",
        )
        assert (second[0], "expirationDate" in second[1]) == ("TI", False)
        (claim,) = second[1]["credentialSubject"]["accreditedFor"]
        assert claim["limitJurisdiction"] == [
            "http://publications.europa.eu/resource/authority/country/LKA",
            "http://publications.europa.eu/resource/authority/country/MLT",
        ]

    def test_the_author_is_the_root_and_a_suspension_ends_trust(self, file: GovernanceFile) -> None:
        issuers = self.issuers(file)
        assert [kind for kind, _ in issuers[file.author]] == ["RootTAO"]
        before, revoked = issuers[GALLE]
        assert (before[0], before[1]["expirationDate"]) == ("TI", "2026-08-31T10:00:00Z")
        assert (revoked[0], revoked[1]["credentialSubject"]["accreditedFor"]) == ("Revoked", [])

    def test_names_what_it_widens(self, file: GovernanceFile) -> None:
        widened = {ebsi_issuer.code for ebsi_issuer in ebsi_issuers(file).losses if ebsi_issuer.widens}
        assert widened == {
            "accreditation.occupations",
            "accreditation.levels",
            "accreditation.definitions",
            "accreditation.exclusions",
            "accreditation.statuses",
        }


class TestLote:
    def made(self, file: GovernanceFile, **more: Any) -> Json:
        exported = list_of_trusted_entities(file, at=NOW, next_update=more.get("next_update", WEEK))
        document: Json = json.loads(exported.content)
        jsonschema.validate(document, schema("lote"))
        return document["LoTE"]

    def service(self, lote: Json, name: str) -> Json:
        (entity,) = [
            listed
            for listed in lote["TrustedEntitiesList"]
            if listed["TrustedEntityInformation"]["TEName"][0]["value"] == name
        ]
        first: Json = entity["TrustedEntityServices"][0]
        return first

    def test_tells_status_and_history(self, file: GovernanceFile) -> None:
        lote = self.made(file)
        assert lote["ListAndSchemeInformation"]["LoTESequenceNumber"] == file.version
        colombo = self.service(lote, "Colombo Welding Centre (example)")
        assert colombo["ServiceInformation"]["ServiceStatus"].endswith("granted")
        assert colombo["ServiceInformation"]["StatusStartingTime"] == "2022-06-30T10:00:00Z"
        assert [period["StatusStartingTime"] for period in colombo["ServiceHistory"]] == [
            "2021-01-01T12:00:00Z",
            "2018-03-31T10:00:00Z",
        ]
        galle = self.service(lote, "Galle Technical Institute (example)")
        assert galle["ServiceInformation"]["ServiceStatus"].endswith("withdrawn")
        assert galle["ServiceInformation"]["StatusStartingTime"] == "2026-08-31T10:00:00Z"

    def test_a_status_that_is_still_to_come_is_not_told(self, example: Json) -> None:
        accreditation(example)["intervals"][1]["end"] = "2027-06-30"
        colombo = self.service(self.made(parse_file(payload_of(example))), "Colombo Welding Centre (example)")
        assert colombo["ServiceInformation"]["ServiceStatus"].endswith("granted")
        accreditation(example)["intervals"] = [{"start": "2027-01-01"}]
        later = list_of_trusted_entities(parse_file(payload_of(example)), at=NOW, next_update=WEEK)
        assert "accreditation.not-begun" in codes(later)

    def test_is_renewed_within_six_months(self, file: GovernanceFile) -> None:
        information = self.made(file, next_update=timedelta(days=1000))["ListAndSchemeInformation"]
        assert information["NextUpdate"] == "2027-05-24T12:00:00Z"

    def test_says_what_it_made_up(self, file: GovernanceFile) -> None:
        assert "entity.address" in codes(list_of_trusted_entities(file, at=NOW, next_update=WEEK))
        assert "TrustedEntitiesList" not in self.made(replace(file, accreditations=()))
