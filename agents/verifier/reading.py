"""Read a question's document under the governance in force, for whoever asks."""

from wanderbuch.agents.runtime.decisions import DecisionOut
from wanderbuch.agents.verifier.office import VerifierOffice
from wanderbuch.agents.verifier.questions.document import ReadQuestion, WordedQuestion, read
from wanderbuch.errors import ResolutionError
from wanderbuch.governance.facts.question import Reason, TrustDecision, Verdict
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.plugins.trust.following.source import RefreshReport
from wanderbuch.plugins.trust.verifying.verifier import NoGovernanceError
from wanderbuch.store.records import utc_now


class CannotAskError(ResolutionError):
    """Nobody is asked, since no answer could be judged; the problem carries the decision, UNKNOWN, and its reasons."""

    code = "resolution.no_governance"

    def __init__(self, err: NoGovernanceError, report: RefreshReport | None) -> None:
        super().__init__(err.message, hint=err.hint)
        reasons = report.reasons if report and report.reasons else (Reason(err.code, err.message),)
        decision = TrustDecision(Verdict.UNKNOWN, tuple(reasons), None, utc_now())
        self.members = {"decision": DecisionOut.of(decision).model_dump(mode="json")}


async def read_question(office: VerifierOffice, question: WordedQuestion) -> ReadQuestion:
    """Return what a document means under the governance in force.

    Raises:
        CannotAskError: there is no governance file yet.
        CredentialError: the document names what is not known.
    """
    return read(question, await snapshot_of(office), today=utc_now().date())


async def snapshot_of(office: VerifierOffice) -> GovernanceSnapshot:
    """Return the governance in force, as far as it is known.

    Raises:
        CannotAskError: there is no governance file yet.
    """
    snapshot = await office.governance.current()
    if snapshot is None:
        err = NoGovernanceError("no governance file could be fetched and checked yet")
        raise CannotAskError(err, office.governance.last_report)
    return snapshot
