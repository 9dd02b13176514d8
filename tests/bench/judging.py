"""What a decision costs beside the cryptography of the same answer: rules 2 and 4 to 8, the facts, and writing them.

A real presentation of a real, revocable credential is judged, and its facts are made into what is kept; the raw library
verifies the same one. Both in turn, in this process, CPU time; the ratio is the median over the rounds. Reading the
message, resolving, the store and messages are no part of deciding; the exchange's own figures have them, and how long
reading takes is in the details.
"""

import asyncio
import base64
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from tests.bench.crypto import CRED_DEF_ID, DID, SCHEMA_ID, RawCrypto
from tests.bench.errors import BenchError
from tests.bench.ratios import Ratio, median_of_ratios
from tests.unit.trust.case_files.world import CaseWorld
from tests.unit.trust.ecosystem import WELDER_VALUES, message
from tests.welders import accreditation, governance_file

from wanderbuch.governance.facts.question import Requirement, Verdict, plain
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.form.cte_model import DESCRIPTION
from wanderbuch.governance.form.model import ACCREDITATION
from wanderbuch.governance.form.validation import parse_file
from wanderbuch.governance.signed.bundle import Bundle, write_bundle_file
from wanderbuch.plugins.http.replaying import RecordingEdge
from wanderbuch.plugins.trust.case_files.case_file import CaseFile, new_key, open_case, seal
from wanderbuch.plugins.trust.case_files.replaying_cases import judge_on, replay_alone
from wanderbuch.plugins.trust.verifying.anoncreds.presentation import ReceivedPresentation, read_presentation
from wanderbuch.plugins.trust.verifying.anoncreds.request import CompiledRequest, compile_request
from wanderbuch.plugins.trust.verifying.anoncreds.rules import Findings, Terms, check_identifiers, prove
from wanderbuch.plugins.trust.verifying.answer_grounds import grounds_of
from wanderbuch.plugins.trust.verifying.asked import ONLY_GROUP, AskedCredential
from wanderbuch.plugins.trust.verifying.exchange import Verification
from wanderbuch.plugins.trust.verifying.judgement import judge
from wanderbuch.schemas.credential_type import load_credential_type

_ROUNDS: Final = 40
_JUDGED: Final = 25  # in a round: one takes less than a clock tells well
_VERIFIED: Final = 2
_ASKED: Final = Requirement(occupation="C7212", jurisdiction="MLT", min_eqf_level=3)


@dataclass(frozen=True, slots=True)
class JudgingFigures:
    """What was found; `reading` is reading the presentation, over the same cryptography."""

    deciding: Ratio
    reading: Ratio


def measure_judging(folder: Path, *, registry_size: int, rounds: int = _ROUNDS) -> JudgingFigures:
    """Measure, in this process, which should do nothing else.

    Args:
        folder: where the tails file goes.
        registry_size: how many credentials the revocation registry holds.
        rounds: how often both are measured.

    Raises:
        BenchError: the presentation is not TRUSTED, so not all rules were applied.
    """
    raw = RawCrypto(load_credential_type(_ASKED.credential_type).attr_names, registry_size, folder)
    offer = raw.offer()
    request, metadata = raw.request(offer)
    credential, index = raw.issue(offer, request, WELDER_VALUES)
    stored = raw.store(credential, metadata, index)
    at, snapshot = datetime.now(UTC), _snapshot()
    compiled = _compiled(snapshot, at)
    question = {**raw.proof_request(compiled.proof_request), "nonce": "1234567890"}
    presentation = raw.present(stored, question)
    if not raw.verify(presentation, question):
        raise BenchError("expected a presentation that verifies, found another one")
    answer = message(json.loads(presentation.to_json()))
    judged = _judging(compiled, read_presentation(answer), snapshot, at)
    judged()
    deciding: list[float] = []
    reading: list[float] = []
    library: list[float] = []
    for _ in range(rounds):
        deciding.append(_ms(judged, _JUDGED))
        reading.append(_ms(lambda: read_presentation(answer), _JUDGED))
        library.append(_ms(lambda: raw.verify(presentation, question), _VERIFIED))
    return JudgingFigures(median_of_ratios(deciding, library), median_of_ratios(reading, library))


def measure_replay(folder: Path, *, registry_size: int, rounds: int = _ROUNDS) -> Ratio:
    """Measure opening a case file and deciding again from it, over the raw library's verifying of the same answer.

    Args:
        folder: where the tails file goes.
        registry_size: how many credentials the revocation registry holds.
        rounds: how often both are measured.

    Raises:
        BenchError: another decision comes out, or the answer does not verify.
    """
    world, case = asyncio.run(_case(folder, registry_size))
    asked, answer, key = case.asked, case.presentation, new_key()
    sealed = seal(case, key)
    replays: list[float] = []
    library: list[float] = []
    for _ in range(rounds):
        began = time.process_time()
        again = replay_alone(open_case(sealed, key))
        replays.append(1e3 * (time.process_time() - began))
        if again.altered or again.then.decision.verdict is not Verdict.TRUSTED:
            raise BenchError(f"expected the same decision, found {again.altered}")
        began = time.process_time()
        holds = world.verifies(asked, answer)
        library.append(1e3 * (time.process_time() - began))
        if not holds:
            raise BenchError("expected an answer that verifies, found another one")
    return median_of_ratios(replays, library)


async def _case(folder: Path, registry_size: int) -> tuple[CaseWorld, CaseFile]:
    world = await CaseWorld.open(folder, places=registry_size)
    asked = await world.asked()
    answer, recording, author = world.present(asked), RecordingEdge(world.edge()), world.authority
    judged = await judge_on(recording, author.url, author.did, asked, answer, at=world.now)
    bundle = write_bundle_file(Bundle(author.did, author.url, world.now, (), recording.recorded))
    packed = base64.b64encode(bundle).decode()
    case = CaseFile(asked=asked, presentation=answer, bundle=packed, decision=judged.decision, grounds=judged.grounds)
    return world, case


def _judging(
    compiled: CompiledRequest, received: ReceivedPresentation, snapshot: GovernanceSnapshot, at: datetime
) -> Callable[[], None]:
    asked = _asked(compiled, at)
    terms, (group,) = Terms.of(asked), asked.groups
    lists = tuple(identifier.timestamp for identifier in received.identifiers)

    def judged() -> None:
        if check_identifiers(received, terms):
            raise BenchError("expected identifiers that could count, found others")
        findings = Findings(resolved=True, consistent=True, holds=True, lists_in_force=lists)
        (proven,) = prove(received, terms, findings, at=at)
        judgement = judge(proven, group.requirement, snapshot, at=at)
        grounds = grounds_of(proven, group.requirement, judgement.decision, snapshot, at=at)
        json.dumps([plain(judgement.decision), plain(grounds)])
        if judgement.decision.verdict is not Verdict.TRUSTED:
            raise BenchError(f"expected TRUSTED, found {judgement.decision}")

    return judged


def _asked(compiled: CompiledRequest, at: datetime) -> Verification:
    (group,) = compiled.groups
    return Verification(
        invitation_url="https://bench.wanderbuch.test/i",
        requirement=group.requirement,
        award_precision=group.award_precision,
        proof_request=compiled.proof_request,
        words=compiled.words,
        names=group.names,
        hidden=group.hidden,
        eligible=group.eligible,
        schemas=group.schemas,
        group=group.group,
        answer_by=at + timedelta(hours=1),
    )


def _compiled(snapshot: GovernanceSnapshot, at: datetime) -> CompiledRequest:
    asked = [AskedCredential(ONLY_GROUP, _ASKED)]
    return compile_request(asked, snapshot, at=at, answer_by=at + timedelta(hours=1), name="Bench", nonce="1")


def _snapshot() -> GovernanceSnapshot:
    entries = {
        DESCRIPTION: {DID: {"name": "Centre"}},
        ACCREDITATION: {DID: {"accreditations": [accreditation([CRED_DEF_ID])]}},
    }
    file = parse_file(json.dumps(governance_file(DID, SCHEMA_ID, entries)).encode())
    now = datetime.now(UTC)
    return GovernanceSnapshot(file, "sha256:" + "0" * 64, now + timedelta(hours=1), fresh_from=now)


def _ms(step: Callable[[], object], times: int) -> float:
    began = time.process_time()
    for _ in range(times):
        step()
    return 1e3 * (time.process_time() - began) / times
