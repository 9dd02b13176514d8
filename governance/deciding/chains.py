"""The walk over all chains of recognition, nearest authorities first, and what they come to.

- Every chain is judged by the rules of `recognition`; one that holds in every respect is enough: TRUSTED.
- Where a chain fails only because a file is not at hand or not fresh, it could not be checked: STALE, else UNKNOWN.
- In all other cases the home file's refusal stands: NOT_TRUSTED. "Could not check" is never an answer where something
  that could be checked says no.
- A chain is walked further only if all its recognitions hold and its last file is at hand. So a circle ends where it
  closes, a chain at MAX_DEPTH, and the walk after MAX_CHAINS chains, which is said and trusts nothing more. A question
  that is put for several days or parts of a group has MAX_IN_ALL chains for all of them.
- The reasons name the chains that lead to the issuer, and every file that could not be had or is not fresh.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from wanderbuch.governance.deciding import chain_levels, levels, mandate, recognition, rules
from wanderbuch.governance.deciding.case import DecisionCase, Walked
from wanderbuch.governance.deciding.recognition import Chain
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.question import ChainLink, Reason, Step, Verdict
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.facts.spans import touches
from wanderbuch.governance.facts.statements import Recognition
from wanderbuch.governance.facts.wording import occupations

MAX_CHAINS: Final = 2_000
MAX_IN_ALL: Final = 2 * MAX_CHAINS
MAX_REASONS: Final = 12

type _Rule = tuple[int, str, Callable[[Chain], Reason | None]]


@dataclass(frozen=True, slots=True)
class ChainsOutcome:
    """What the walk came to.

    Args:
        reasons: in the order of the walk, none twice.
        steps: the rules of the chain that decided, or of all chains named in the reasons.
    """

    verdict: Verdict
    reasons: tuple[Reason, ...]
    chain: tuple[ChainLink, ...] = ()
    redress: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()


@dataclass(slots=True)
class _Walked:
    """One chain with the rules applied to it.

    Args:
        inherited: what could not be checked on the way.
        unchecked: the verdict if nothing but a file that is not at hand or not fresh stands in the way.
        failure: the first other reason, None if there is none.
    """

    chain: Chain
    inherited: tuple[Step, ...]
    unchecked: Verdict | None = None
    failure: Reason | None = None
    applied: list[tuple[int, str, Reason | None]] = field(default_factory=list)

    @property
    def steps(self) -> tuple[Step, ...]:
        """The rules applied, under the names of the chain's authorities."""
        names = self.chain.names()
        return (
            *self.inherited,
            *(Step(number, f"{names}: {title}", failure) for number, title, failure in self.applied),
        )

    @property
    def reasons(self) -> tuple[Reason, ...]:
        return tuple(step.failure for step in self.steps if step.failure is not None)

    @property
    def holds(self) -> bool:
        return self.unchecked is None and self.failure is None

    def apply(self, number: int, title: str, failure: Reason | None) -> bool:
        """Note a rule; return whether it held."""
        self.applied.append((number, title, failure))
        return failure is None


@dataclass(frozen=True, slots=True)
class _Start:
    """Where the walk goes on: behind these authorities, with what could not be checked on the way."""

    authorities: tuple[Did, ...]
    files: tuple[GovernanceSnapshot, ...]
    unchecked: Verdict | None = None
    steps: tuple[Step, ...] = ()


def follow(case: DecisionCase) -> ChainsOutcome:
    """Return what the chains of the home file come to.

    Args:
        case: the question, refused by the home file for a reason that a chain may make good (rule 15).
    """
    seen: list[_Walked] = []
    for walked in _walk(case):
        if walked.failure is None and walked.unchecked is not Verdict.UNKNOWN:
            _judge(walked)
        if walked.holds:
            return _trusted(walked)
        if _concerns(walked, case.issuer):
            seen.append(walked)
    none = Reason("recognition.not_accredited", "No authority that is recognised here for this accredits the issuer.")
    return _refused(seen, none)


def find_authority(case: DecisionCase, authority: Did) -> ChainsOutcome:
    """Return whether `authority` is recognised, by the rules up to 24.

    Its own file need not be at hand: what is asked is what others say of it. The chain names those whose files were
    used, so it does not end with `authority`.
    """
    seen: list[_Walked] = []
    for walked in _walk(case):
        if walked.chain.authorities[-1] != authority and walked.unchecked is not Verdict.UNKNOWN:
            continue
        if walked.holds:
            return _recognised(walked)
        seen.append(walked)
    return _refused(
        seen, Reason("recognition.none", "No recognition leads from this governance file to the authority.")
    )


def _walk(case: DecisionCase) -> Iterator[_Walked]:
    """Yield every chain with rules 16 to 24 applied, nearest first and then by DID."""
    home = case.governance
    waiting = deque([_Start((), (home,))])
    count, in_all = 0, case.walked or Walked()
    while waiting:
        start = waiting.popleft()
        for authority in sorted(start.files[-1].file.recognised_publishers):
            chain = Chain(case, (*start.authorities, authority), start.files, home.recognised.get(authority))
            walked = _Walked(chain, start.steps, start.unchecked)
            count += 1
            in_all.count += 1
            if count > MAX_CHAINS or in_all.count > MAX_IN_ALL:
                walked.unchecked = Verdict.UNKNOWN
                most = MAX_CHAINS if count > MAX_CHAINS else MAX_IN_ALL
                text = f"There are more than {most} chains of recognition: the others were not followed."
                walked.apply(23, "there are not too many chains", Reason("recognition.too_many", text))
                yield walked
                return
            for number, title, rule in _LINKS:
                walked.failure = rule(chain)
                if not walked.apply(number, title, walked.failure):
                    break
            going_on = walked.failure is None
            yield walked
            if going_on and chain.last is not None:
                waiting.append(_onward(start, chain, chain.last))


def _onward(start: _Start, chain: Chain, last: GovernanceSnapshot) -> _Start:
    """Return where the walk goes on behind the last authority of a chain."""
    reached = _Start(chain.authorities, (*chain.files, last), start.unchecked, start.steps)
    late = recognition.fresh(chain)
    if late is None:
        return reached
    step = Step(27, f"{chain.names()}: {_FRESH}", late)
    return replace(reached, unchecked=Verdict.STALE, steps=(*start.steps, step))


def _judge(walked: _Walked) -> None:
    """Apply rules 25 to 30 to a chain whose recognitions hold."""
    chain = walked.chain
    walked.failure = recognition.nobody_decided_against(chain)
    if not walked.apply(25, "no authority before the last decided against the issuer", walked.failure):
        return
    if not walked.apply(26, "the file is at hand", recognition.at_hand(chain)) or chain.last is None:
        walked.unchecked = Verdict.UNKNOWN
        return
    if not walked.apply(27, _FRESH, recognition.fresh(chain)):
        walked.unchecked = Verdict.STALE
    case = chain.judged = chain.case.under(chain.last)
    for number, title, rule in _ACCREDITING:
        walked.failure = chain_levels.lowest_level_counts(chain) if rule is None else rule(case)
        if not walked.apply(number, title, walked.failure):
            chain.redress = rules.redress(case.candidates)
            return


def _concerns(walked: _Walked, issuer: Did) -> bool:
    """Whether people should hear of a chain that does not hold."""
    if walked.failure is None or walked.failure.code in _LOOPS:
        return True
    chain = walked.chain
    if chain.last is None or chain.files[0].file.author in chain.authorities:
        return False
    return chain.last.file.holds(issuer) and bool(chain.last.file.index.by_issuer.get(issuer))


def _trusted(walked: _Walked) -> ChainsOutcome:
    chain, case = walked.chain, walked.chain.accrediting
    relied = rules.relied_on(case)
    different = chain_levels.different_levels(chain)
    reasons = (*rules.accredited(case, relied), *_recognitions(chain), *((different,) if different else ()))
    redress = {accreditation.redress for accreditation in relied} | {
        recognition.redress for link in _relied(chain) for recognition in link
    }
    notes = tuple(note for snapshot in (*chain.files[1:], case.governance) for note in snapshot.notes)
    return ChainsOutcome(
        Verdict.TRUSTED,
        tuple(dict.fromkeys((*reasons, *notes))),
        _links(chain, (*chain.files[1:], case.governance)),
        tuple(sorted(redress)),
        walked.steps,
    )


def _recognised(walked: _Walked) -> ChainsOutcome:
    chain = walked.chain
    redress = {recognition.redress for link in _relied(chain) for recognition in link}
    return ChainsOutcome(
        Verdict.TRUSTED,
        _recognitions(chain),
        _links(chain, chain.files[1:]),
        tuple(sorted(redress)),
        walked.steps,
    )


def _refused(seen: Sequence[_Walked], none: Reason) -> ChainsOutcome:
    """Return the refusal: what could not be checked first, then what was checked and fails."""
    unchecked = [walk for walk in seen if walk.failure is None]
    verdict = Verdict.NOT_TRUSTED
    if unchecked:
        late = any(walk.unchecked is Verdict.STALE for walk in unchecked)
        verdict = Verdict.STALE if late else Verdict.UNKNOWN
    told = [*unchecked, *(walk for walk in seen if walk.failure is not None)]
    reasons = list(dict.fromkeys(reason for walk in told for reason in walk.reasons))
    if len(reasons) > MAX_REASONS:
        more = f"There are {len(reasons) - MAX_REASONS} more reasons of this kind."
        reasons = [*reasons[:MAX_REASONS], Reason("recognition.more", more)]
    return ChainsOutcome(
        verdict,
        tuple(reasons) or (none,),
        redress=tuple(sorted({one for walk in told for one in walk.chain.redress})),
        steps=tuple(step for walk in told for step in walk.steps),
    )


def _relied(chain: Chain) -> Iterator[tuple[Recognition, ...]]:
    """Yield for each authority the recognitions that the answer rests on."""
    for fitting in chain.fitting:
        yield tuple(
            other for other in fitting if touches(recognition.recognised_days(chain.case, other), chain.case.awarded)
        )


def _recognitions(chain: Chain) -> tuple[Reason, ...]:
    return tuple(
        Reason(
            "issuer.recognised",
            f"{chain.files[position].file.name} recognises {chain.name(position)} for "
            f"{occupations(dict.fromkeys(code for recognition in link for code in recognition.occupations))} "
            f"({', '.join(recognition.id for recognition in link)}).",
        )
        for position, link in enumerate(_relied(chain))
    )


def _links(chain: Chain, files: Sequence[GovernanceSnapshot]) -> tuple[ChainLink, ...]:
    return tuple(
        ChainLink(
            chain.authorities[position],
            chain.name(position),
            ", ".join(recognition.id for recognition in link),
            used.ref,
        )
        for position, (link, used) in enumerate(zip(_relied(chain), files, strict=False))
    )


_FRESH: Final = "the file is fresh"
_LOOPS: Final = frozenset({"recognition.cycle", "recognition.alias_loop", "recognition.too_deep"})
_LINKS: Final[tuple[_Rule, ...]] = (
    (16, "nobody on the chain excludes the occupation", recognition.nobody_excludes),
    (17, "the credential type is recognised", recognition.type_recognised),
    (18, "the occupation is recognised", recognition.occupation_recognised),
    (19, "the purpose is recognised", recognition.purpose_recognised),
    (20, "the jurisdiction is recognised", recognition.jurisdiction_recognised),
    (21, "the level is recognised", recognition.level_recognised),
    (22, "each recognition lets in those that follow", recognition.onward_recognised),
    (23, "the chain is short and straight", recognition.short_and_straight),
    (24, "the recognition was in force", recognition.in_force),
)
# Rule 28 is made of the rules of `decision`, which keep their numbers; None stands for rule 29.
_ACCREDITING: Final[tuple[tuple[int, str, Callable[[DecisionCase], Reason | None] | None], ...]] = (
    (7, "its file accredits the issuer", rules.issuer_listed),
    (8, "the occupation is not excluded", rules.not_excluded),
    (9, "source, type and binding are listed", rules.source_listed),
    (10, "the occupation is covered", rules.occupation_covered),
    (12, "the crosswalk was in force", levels.crosswalk_in_force),
    (13, "the level is covered", rules.level_covered),
    (29, "the lowest level reaches what is asked", None),
    (14, "the award lies in the mandate", mandate.in_mandate),
)
