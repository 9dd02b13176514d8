"""The wallet's decisions against the vectors of our agents, and against our agents themselves where the vectors end."""

import base64
import json
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import pytest
from tests.unit.governance import decision_vectors, recognition_vectors
from tests.unit.wallet.random_cases import chances
from tests.unit.wallet.wallet_process import WalletProcess, WalletRefusedError

from wanderbuch.governance.deciding.decision import decide, may_issue
from wanderbuch.governance.facts.question import Evidence
from wanderbuch.governance.form.validation import parse_file
from wanderbuch.schemas.languages import CEFR, cefr_rank
from wanderbuch.schemas.occupations import OccupationCode, isco08, unit_group_codes

DECISIONS: Final = decision_vectors.FOLDER
RECOGNITIONS: Final = recognition_vectors.FOLDER / "files"

type Json = dict[str, Any]


@pytest.fixture(scope="module", autouse=True)
def files(wallet: WalletProcess) -> None:
    """All files of the vectors, read by the wallet."""
    for path in (DECISIONS / "ecosystem.json", DECISIONS / "ledgers.json", *RECOGNITIONS.glob("*.json")):
        document = base64.b64encode(path.read_bytes()).decode()
        wallet.call("governance_file", file=path.name, document=document)


def snapshot_of(case: Json) -> Json | None:
    if case["governance"] is None:
        return None
    recognised = [{"file": name, "until": until} for name, until in case.get("recognised", {}).items()]
    return {"file": case["governance"], "until": case["fresh_until"], "recognised": recognised}


def decided(wallet: WalletProcess, case: Json) -> Json:
    told = {name: case[name] for name in ("requirement", "evidence", "at")}
    answer: Json = wallet.call("decide", **told, snapshot=snapshot_of(case))
    return answer


@pytest.mark.parametrize("vectors", [decision_vectors, recognition_vectors], ids=["decision", "recognition"])
def test_vectors(wallet: WalletProcess, vectors: Any) -> None:
    count = 0
    for name, case in vectors.cases():
        answer = decided(wallet, case)
        expected = case["expect"]
        assert (name, answer["verdict"], answer["codes"]) == (name, expected["verdict"], expected["codes"])
        if "chain" in expected:
            assert (name, answer["chain"]) == (name, expected["chain"])
        count += 1
    assert count > 60


def test_questions_of_every_kind(wallet: WalletProcess) -> None:
    """Vectors with parts of others: whatever our agents say of them, the wallet says."""
    chance = chances("decisions")
    of_decision, of_recognition = (
        [case for _, case in vectors.cases()] for vectors in (decision_vectors, recognition_vectors)
    )
    ecosystem = parse_file((DECISIONS / "ecosystem.json").read_bytes())
    verdicts = set()
    for cases, reading in ((of_decision, decision_vectors), (of_recognition, recognition_vectors)):
        for _ in range(300):  # fewer do not meet each verdict
            case = json.loads(json.dumps(chance.choice(cases)))
            for _ in range(chance.randint(0, 3)):
                other, part = chance.choice(cases), chance.choice(("requirement", "evidence", "at", "governance"))
                if part in ("at", "governance"):
                    case[part] = other[part]
                else:
                    member = chance.choice(sorted(other[part]))
                    case[part] = {**case[part], member: other[part][member]}
            if chance.random() < 0.3:
                first = date(2015, 1, 1) + timedelta(days=chance.randrange(4_300))
                last = first + timedelta(days=chance.choice((0, 0, 30, 400)))
                case["evidence"]["awarded"] = {"first": first.isoformat(), "last": last.isoformat()}
            if chance.random() < 0.3:
                code = chance.choice(("C7", "C72", "C721", "C7212", "C7213", "C2221", "C71", "C7126", "C999", "mlt"))
                case["requirement"]["occupation"] = case["evidence"]["occupation"] = code
            if reading is decision_vectors:
                snapshot = decision_vectors.snapshot_of(case, ecosystem)
                asked = decision_vectors.requirement_of(case)
            else:
                snapshot = recognition_vectors.snapshot_of(case)
                asked = recognition_vectors.requirement_of(case)
            shown: Evidence = decision_vectors.evidence_of(case)
            decision = decide(asked, shown, snapshot, at=decision_vectors.at_of(case))
            answer = decided(wallet, case)
            codes = list(dict.fromkeys(reason.code for reason in decision.reasons))
            assert (answer["verdict"], answer["codes"]) == (decision.verdict.value, codes), case
            assert answer["chain"] == [link.recognition for link in decision.chain], case
            verdicts.add(decision.verdict)
    assert len(verdicts) == 4


def test_who_may_sign_an_offer(wallet: WalletProcess) -> None:
    """Offers made of the vectors: whatever our agents say of the home file, the wallet says."""
    chance = chances("offers")
    cases = [case for _, case in decision_vectors.cases()]
    ecosystem = parse_file((DECISIONS / "ecosystem.json").read_bytes())
    made_good = bool(ecosystem.recognitions)
    codes = set()
    for _ in range(400):
        case, other = json.loads(json.dumps(chance.choice(cases))), chance.choice(cases)
        evidence = case["evidence"]
        for member in chance.sample(("issuer", "source", "framework", "crosswalk_version"), chance.choice((0, 0, 1))):
            evidence[member] = other["evidence"][member]
        evidence["occupation"] = occupation = chance.choice(("C7212", "C7212", "C7213", "C7126", "C2221", "C9999"))
        level = chance.choice(("2", "3", "4", "4", "5", "7", "x", None))
        eqf = chance.choice((0, 2, 3, 4, 4, 5))
        awarded = date(2015, 1, 1) + timedelta(days=chance.randrange(4_300))
        framework, crosswalk = evidence["framework"], evidence.get("crosswalk_version") or ""
        if framework == CEFR:
            continue
        snapshot, shown = decision_vectors.snapshot_of(case, ecosystem), decision_vectors.evidence_of(case)
        decision = may_issue(
            snapshot,
            issuer=shown.issuer,
            source=shown.source,
            credential_type=shown.credential_type,
            occupation=occupation,
            eqf_level=eqf,
            awarded=awarded,
            framework=framework,
            framework_level=level,
            crosswalk_version=crosswalk,
            at=decision_vectors.at_of(case),
        )
        issued = {
            "issuer": str(shown.issuer),
            "source": str(shown.source),
            "credentialType": shown.credential_type,
            "occupation": occupation,
            "eqfLevel": eqf,
            "awarded": awarded.isoformat(),
            "framework": framework,
            "frameworkLevel": level,
            "crosswalkVersion": crosswalk,
        }
        verdict, code = wallet.call("may_issue", snapshot=snapshot_of(case), issued=issued, at=case["at"])
        codes.add(code)
        # Where a recognition could make it good, the wallet does not know: it reads the home file alone.
        verdicts = {decision.verdict.value} | (
            {"UNKNOWN"} if made_good and decision.verdict.value != "STALE" else set()
        )
        assert verdict in verdicts, (issued, decision)
        assert decision.chain or code in {reason.code for reason in decision.reasons}, (issued, decision)
        assert verdict != "TRUSTED" or decision.verdict.value == "TRUSTED"
    assert len(codes) >= 10, codes


def test_where_a_certificate_counts(wallet: WalletProcess) -> None:
    """In the book: all places that the file names for its issuer, type, occupation and level, and no others."""
    places: dict[str, set[str]] = {}
    wrong = []
    for name, case in decision_vectors.cases():
        evidence, requirement = case["evidence"], case["requirement"]
        awarded = evidence["awarded"]["first"]
        level = evidence.get("proven_eqf_level")
        if case["expect"]["verdict"] != "TRUSTED" or level is None:
            continue
        issued = {
            "issuer": evidence["issuer"],
            "source": evidence["source"],
            "credentialType": evidence["credential_type"],
            "occupation": evidence["occupation"],
            "eqfLevel": level,
            "awarded": awarded,
            "framework": evidence["framework"],
            "frameworkLevel": None,
            "crosswalkVersion": evidence.get("crosswalk_version") or "",
        }

        def worth(case: Json = case, issued: Json = issued, **changed: object) -> Any:
            return wallet.call("worth", snapshot=snapshot_of(case), issued=issued | changed, at=case["at"])

        verdict, counting = worth()
        places.setdefault(verdict, set()).update(counting)
        if verdict == "TRUSTED" and requirement["jurisdiction"] not in counting:
            wrong.append((name, counting))
        assert worth(issuer="did:web:stranger.example") == ["UNKNOWN", []]
        assert worth(occupation="C2221")[1] == []
    assert wrong == []
    assert places["TRUSTED"]


def test_a_day_has_a_place(wallet: WalletProcess) -> None:
    """At the ends of days of mandates, by the hour."""
    case = next(case for name, case in decision_vectors.cases() if name.startswith("05-not-expired"))
    ecosystem = parse_file((DECISIONS / "ecosystem.json").read_bytes())
    for hours in range(-40, 41):
        at = datetime(2026, 11, 22, 12, tzinfo=UTC) + timedelta(hours=hours)
        for day in ("2026-11-21", "2026-11-22", "2026-11-23"):
            asked = {**case, "at": at.isoformat(), "fresh_until": "2026-12-31T00:00:00Z"}
            asked["evidence"] = {**case["evidence"], "expires_on": day, "awarded": {"first": day, "last": day}}
            snapshot = decision_vectors.snapshot_of(asked, ecosystem)
            decision = decide(
                decision_vectors.requirement_of(asked), decision_vectors.evidence_of(asked), snapshot, at=at
            )
            answer = decided(wallet, asked)
            assert answer["verdict"] == decision.verdict.value, (at, day)


def test_isco08_and_cefr(wallet: WalletProcess) -> None:
    codes = [*sorted(isco08().codes), "C", "C9999", "7212", "", "c7212", "C72122"]
    for code, (is_one, is_unit, children) in zip(codes, wallet.call("isco08", codes=codes), strict=True):
        assert (is_one, is_unit) == (code in isco08().codes, code in unit_group_codes()), code
        if is_one:
            assert tuple(children) == tuple(OccupationCode(code).children), code
    levels = ["A1", "A2", "B1", "B2", "C1", "C2", "", "4", "a1"]
    assert wallet.call("cefr", levels=levels) == [cefr_rank(level) for level in levels]


def test_files_of_another_form_are_refused(wallet: WalletProcess) -> None:
    good = json.loads((DECISIONS / "ecosystem.json").read_bytes())
    (uri,) = [uri for uri in good["participants"]["entries"] if uri.endswith("/accreditation.json")]
    did, statement = next(iter(good["participants"]["entries"][uri].items()))
    (accreditation, *_) = statement["accreditations"]
    for name in accreditation:
        for value in (None, 7, "", [], {}, ["x", 7], "2026-02-30"):
            if name in ("excluded_occupations", "status", "accreditingAgent", "decision", "quality_assurance", "title"):
                continue
            if value in ("", "2026-02-30") or (value == [] and name != "level_range"):
                continue  # a text is a text here; an empty list lets nobody in
            changed = json.loads(json.dumps(good))
            changed["participants"]["entries"][uri][did] = {"accreditations": [{**accreditation, name: value}]}
            document = base64.b64encode(json.dumps(changed).encode()).decode()
            with pytest.raises(WalletRefusedError):
                wallet.call("governance_file", file="broken", document=document)
