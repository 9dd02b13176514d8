"""What a question asks, for the page of its address: the words that the desk and the worker's wallet show, too.

Whoever has the address may have the question itself, without a certificate and without saying who they are: a wallet
that opens it gets it. So the page tells nobody more than the address does (ADR 116). It says nothing of how the
question stands: one that was answered, declined or is over reads as before, for as long as its address leads here.
"""

from collections.abc import Sequence

from wanderbuch.agents.runtime.front import Asked
from wanderbuch.agents.site.languages import FALLBACK, LANGUAGES
from wanderbuch.agents.verifier.office import VerifierOffice
from wanderbuch.agents.verifier.questions.document import MappedLevel, read, read_kept
from wanderbuch.agents.verifier.questions.explaining import explain, marked_worker_words
from wanderbuch.errors import WanderbuchError
from wanderbuch.plugins.trust.verifying.asked import AskedCredential
from wanderbuch.plugins.trust.verifying.exchange import question_invited_to
from wanderbuch.plugins.trust.verifying.keeping import Keeping
from wanderbuch.store.records import utc_now


async def say_asked(office: VerifierOffice, invitation_id: str, language: str) -> Asked | None:
    """Return what a question asks, or that of a link for many.

    Args:
        office: whose.
        invitation_id: of the invitation that carries the question, or of the link.
        language: a tag of the page; where questions are not told in it, they are told in English.

    Returns:
        None: there is no such question, or it cannot be read now.
    """
    try:
        if (link := await office.links.find(invitation_id)) is not None:
            question = read_kept(link.question)
            snapshot = office.governance.snapshot()  # as it is known: whoever opens a page has no authority asked
            if snapshot is None:
                return None
            compiled = read(question, snapshot, today=utc_now().date())
            return _said(compiled.asked, question.keeping, compiled.levels, language)
        question_id = question_invited_to(invitation_id)
        if question_id is None:
            return None
        verification = await office.verification(question_id)
    except WanderbuchError:
        return None
    asked = [AskedCredential(group.group, group.requirement, group.award_precision) for group in verification.groups]
    return _said(asked, verification.keeping, (), language)


def _said(
    asked: Sequence[AskedCredential],
    keeping: Keeping | None,
    levels: Sequence[MappedLevel],
    language: str,
) -> Asked:
    told_in = language if language in LANGUAGES else FALLBACK.tag
    learnt = marked_worker_words(asked, keeping=keeping, language=told_in, levels=levels)
    return Asked(learnt, explain(asked, (), (), language=told_in).marked_not_learnt, told_in)
