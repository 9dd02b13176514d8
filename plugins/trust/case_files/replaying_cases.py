"""Decide a case again from what is in its file: no network, no wallet, by the very code that decided it.

0. The question is the one that was asked: its nonce binds it (`bound_question`), and the worker's proof answers that.
1. The recording is read (`governance.bundle`): every file has the digest that it says.
2. The governance of the pinned author is read from it: DID logs, signatures, digests, freshness, as over the network.
3. Rules 2 to 6, with objects from the recording; 7 and 8 at the instant of the decision.
4. The same decision must come out: verdict, reasons, files, chain and whom to appeal to, and the same facts on the same
   evidence.

What would differ today is found by deciding once more at another instant, and where a newer recording is given, with
its files in place of the old ones.
"""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from wanderbuch.errors import GovernanceError
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.question import TrustDecision, Verdict
from wanderbuch.governance.signed.bundle import Bundle, read_bundle_file
from wanderbuch.plugins.exchange.anoncreds.objects import Objects
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.http.replaying import ReplayingEdge
from wanderbuch.plugins.trust.case_files.case_file import CaseFile, CaseFileError
from wanderbuch.plugins.trust.offline.bundling import OfflineWorld
from wanderbuch.plugins.trust.verifying.anoncreds.adapter import examine_presentation
from wanderbuch.plugins.trust.verifying.answer_facts import AnswerFact, FactKind
from wanderbuch.plugins.trust.verifying.bound_question import contradiction, is_bound
from wanderbuch.plugins.trust.verifying.exchange import Verification
from wanderbuch.plugins.trust.verifying.judgement import Judgement
from wanderbuch.plugins.trust.verifying.judging import judge_at
from wanderbuch.plugins.webvh.recorded_registry import RecordedRegistry

_LONGEST_JUDGEMENT: Final = timedelta(hours=1)
_REWRITTEN: Final = "somebody who had the key has rewritten it, or it was asked before questions were bound"


class CaseOverError(CaseFileError):
    """The last day of a case is over."""

    code = "presentation.case_over"


@dataclass(frozen=True, slots=True)
class ReplayDifference:
    """One thing that came out otherwise: what, as it was, as it is now."""

    what: str
    was: str
    now: str


@dataclass(frozen=True, slots=True)
class Replay:
    """A case that was decided again.

    Args:
        then: at the instant of its decision.
        altered: how that differs from what was decided; empty if it is the same.
        today: at the other instant that was asked about; None if none was.
        since: how that differs from then.
        is_over: whether the case's last day was over at that other instant.
    """

    case: CaseFile
    author: Did
    then: Judgement
    altered: tuple[ReplayDifference, ...]
    today: Judgement | None
    since: tuple[ReplayDifference, ...]
    is_over: bool = False


async def judge_on(
    edge: HttpEdge, url: str, author: Did, asked: Verification, message: Mapping[str, object], *, at: datetime
) -> Judgement:
    """Judge an answer with what an edge gives, read anew, at an instant.

    Args:
        edge: to the network, or to a recording.
        url: the folder of the governance file.
        author: who must have signed it.
        asked: the question.
        message: the members of the answer that make up the presentation.
        at: the instant, aware.
    """
    clock: Callable[[], datetime] = lambda: at  # noqa: E731
    world = OfflineWorld.on(edge, url, author, clock)
    await world.source.refresh()
    objects = Objects(RecordedRegistry(world.objects))
    examined = await examine_presentation(None, objects, asked, message, at=at)
    return judge_at(examined, asked.groups, world.source.snapshot(), at=at)


def check_question(asked: Verification) -> None:
    """Refuse a question that is not the one that was asked (0).

    Raises:
        CaseFileError: it was rewritten, or contradicts itself.
    """
    if (wrong := contradiction(asked)) is not None:
        raise CaseFileError(f"the question contradicts itself: {wrong}", hint=_REWRITTEN)
    if not is_bound(asked):
        raise CaseFileError("expected the question that the answer is bound to, found another one", hint=_REWRITTEN)


def check_end(case: CaseFile, *, at: datetime) -> None:
    """Refuse a case whose last day is over: its key should have been destroyed.

    Raises:
        CaseOverError: it is.
    """
    if at >= case.keeping.ends_at:
        raise CaseOverError(
            f"this case was to be kept until {case.keeping.until.isoformat()}: nobody should have its key any more",
            hint="destroy the key; a court or the worker may still need it: then say --after-its-end",
        )


async def replay(
    case: CaseFile, *, author: Did | None = None, today: datetime | None = None, newer: Bundle | None = None
) -> Replay:
    """Decide a case again.

    Args:
        case: as it was opened.
        author: whose governance must have decided; None takes the one in the case, which its reader then looks at.
        today: decide once more at this instant, aware.
        newer: a newer recording; its files stand in place of the old ones for that.

    Raises:
        CaseFileError: the question was rewritten; the recording is unusable, or of another author.
    """
    check_question(case.asked)  # 0
    if not case.asked.created_at <= case.decision.decided_at <= case.asked.answer_by + _LONGEST_JUDGEMENT:
        raise CaseFileError(
            f"expected a decision between the question and the end of its time,"
            f" found one at {case.decision.decided_at.isoformat()}",
            hint=_REWRITTEN,
        )
    try:
        bundle = read_bundle_file(case.bundle_bytes())  # 1
    except GovernanceError as err:
        raise CaseFileError(f"the recording in the case is unusable: {err.message}") from err
    if author is not None and bundle.author != author:
        raise CaseFileError(f"expected a case decided by the governance of {author}, found {bundle.author}")
    asked, message = case.asked, case.presentation
    decided_at = case.decision.decided_at
    then = await judge_on(  # 2, 3
        ReplayingEdge(bundle.files), bundle.url, bundle.author, asked, message, at=decided_at
    )
    altered = (*differences(case.decision, case.grounds.facts, then), *_other_evidence(case.grounds.facts, then))  # 4
    if today is None:
        return Replay(case, bundle.author, then, altered, None, ())
    files = bundle.files if newer is None else {**bundle.files, **newer.files}
    now = await judge_on(ReplayingEdge(files), bundle.url, bundle.author, asked, message, at=today)
    since = differences(then.decision, then.grounds.facts, now)
    return Replay(case, bundle.author, then, altered, now, since, is_over=today >= case.keeping.ends_at)


def differences(was: TrustDecision, facts: tuple[AnswerFact, ...], now: Judgement) -> tuple[ReplayDifference, ...]:
    """Return how a judgement differs from a decision and its facts; when each was made is left out."""
    differing = [
        ReplayDifference(what, before, after)
        for what, before, after in (
            ("verdict", was.verdict.value, now.decision.verdict.value),
            ("reasons", _codes(was), _codes(now.decision)),
            ("governance", str(was.governance), str(now.decision.governance)),
            ("chain", str(was.chain), str(now.decision.chain)),
            ("redress", ", ".join(was.redress), ", ".join(now.decision.redress)),
        )
        if before != after
    ]
    before_facts, after_facts = _outcomes(facts), _outcomes(now.grounds.facts)
    for place in dict.fromkeys((*before_facts, *after_facts)):
        before, after = before_facts.get(place, "-"), after_facts.get(place, "-")
        if before != after:
            part, kind = place
            differing.append(ReplayDifference(f"{part} {kind.value}".strip(), before, after))
    return tuple(differing)


def is_same(decision: TrustDecision, grounds_facts: tuple[AnswerFact, ...], again: Judgement) -> bool:
    """Return whether a judgement says the same as a decision, on the same evidence."""
    return not differences(decision, grounds_facts, again) and not _other_evidence(grounds_facts, again)


def _other_evidence(facts: tuple[AnswerFact, ...], again: Judgement) -> tuple[ReplayDifference, ...]:
    """Return which facts rest on other evidence than they say: who counts, by whom, for what, in which version."""
    before, after = _evidence(facts), _evidence(again.grounds.facts)
    return tuple(
        ReplayDifference(f"{part} {kind.value} evidence".strip(), told, after.get((part, kind), ""))
        for (part, kind), told in before.items()
        if told != after.get((part, kind), "")
    )


def _codes(decision: TrustDecision) -> str:
    return ", ".join(reason.code for reason in decision.reasons) or Verdict.UNKNOWN.value


def _outcomes(facts: tuple[AnswerFact, ...]) -> dict[tuple[str, FactKind], str]:
    return {(fact.part, fact.kind): fact.outcome.value for fact in facts}


def _evidence(facts: tuple[AnswerFact, ...]) -> dict[tuple[str, FactKind], str]:
    evidence: dict[tuple[str, FactKind], str] = {}
    for fact in facts:  # of the governance there is one for each file
        told = "; ".join(f"{name}: {text}" for name, text in sorted(fact.evidence.items()))
        place = (fact.part, fact.kind)
        evidence[place] = f"{evidence[place]} | {told}" if place in evidence else told
    return evidence


def replay_alone(
    case: CaseFile, *, author: Did | None = None, today: datetime | None = None, newer: Bundle | None = None
) -> Replay:
    """Decide a case again where nothing else runs beside it, such as at a command line; as `replay`."""

    async def in_one_thread() -> Replay:
        asyncio.get_running_loop().set_default_executor(_Inline())
        return await replay(case, author=author, today=today, newer=newer)

    return asyncio.run(in_one_thread())


class _Inline(ThreadPoolExecutor):
    """Runs what it is given at once: no file is waited for, and going to a thread and back costs a tenth of it all."""

    def submit[**P, T](self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        done: Future[T] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except Exception as err:  # noqa: BLE001 (whoever awaits it gets it, as from a thread)
            done.set_exception(err)
        return done
