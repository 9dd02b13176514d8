"""Explain a question, and put it: the same for the REST API, for templates and for the desk's pages."""

from dataclasses import replace
from datetime import timedelta

from wanderbuch.agents.runtime.decisions import DecisionOut
from wanderbuch.agents.runtime.problems import RefusedError
from wanderbuch.agents.runtime.short_links import address_of
from wanderbuch.agents.verifier.answers import AskAgain, ask_again, lacks_day
from wanderbuch.agents.verifier.office import VerifierOffice
from wanderbuch.agents.verifier.policies.explaining import remarks
from wanderbuch.agents.verifier.policies.keeping import refuse_broken
from wanderbuch.agents.verifier.questions.document import WordedQuestion
from wanderbuch.agents.verifier.questions.explaining import explain
from wanderbuch.agents.verifier.questions.models import ExplanationOut
from wanderbuch.agents.verifier.reading import CannotAskError, read_question
from wanderbuch.plugins.trust.verifying.asked import AskedCredential, AwardPrecision
from wanderbuch.plugins.trust.verifying.asking import title_of
from wanderbuch.plugins.trust.verifying.exchange import Verification
from wanderbuch.plugins.trust.verifying.keeping import Keeping
from wanderbuch.plugins.trust.verifying.verifier import NoGovernanceError, OverAskingError
from wanderbuch.store.tables import DEFAULT_TENANT


async def explain_question(office: VerifierOffice, question: WordedQuestion, language: str) -> ExplanationOut:
    """Say in plain words what a question would learn; nobody is asked.

    Raises:
        CannotAskError: there is no governance file yet.
        CredentialError: the document names what is not known.
        NobodyCountsError: no accredited issuer could satisfy it.
        KeepingError: its answer cannot be kept like that.
    """
    answer_in = timedelta(seconds=question.answer_within_s or office.config.answer_deadline_s)
    title = title_of(office.asker, question.ref)
    office.desk.check_keeping(question.keeping, title=title, last_answer=office.tenant.clock() + answer_in)
    asked = await read_question(office, question)
    preview = await office.desk.preview(*asked.asked, asker=office.asker)
    explained = explain(asked.asked, asked.levels, preview.permissions, keeping=question.keeping, language=language)
    if (policy := (await office.policy.get()).policy) is not None:
        broken = policy.broken_by(asked.asked, question.keeping)
        explained = replace(explained, remarks=(*remarks(policy, broken, language=language), *explained.remarks))
    return ExplanationOut.of(asked, explained, preview)


async def put_in_words(
    office: VerifierOffice,
    question: WordedQuestion,
    *,
    asked_by: str | None = None,
    question_id: str | None = None,
) -> Verification:
    """Put a question that is written in words; errors as with `explain_question` and `put`."""
    asked = await read_question(office, question)
    return await put(
        office,
        *asked.asked,
        deadline_s=question.answer_within_s,
        ref=question.ref,
        keeping=question.keeping,
        asked_by=asked_by,
        question_id=question_id,
    )


async def put_again(
    office: VerifierOffice,
    before: Verification,
    *,
    asked_by: str | None = None,
    question_id: str | None = None,
) -> Verification:
    """Put the same question anew, to whoever opens it; errors as with `put`.

    The day of the award is asked of those credentials alone of which the decision lacked it. It stands as long as it
    did: one of a link as long as its document says, since its deadline may have been cut by the link's end.
    """
    needs_day = ask_again(before.decision) is AskAgain.WITH_DAY
    decisions = before.decisions or (None,) * len(before.groups)
    asked = [
        AskedCredential(
            group.group,
            group.requirement,
            AwardPrecision.DAY if needs_day and lacks_day(decision) else group.award_precision,
        )
        for group, decision in zip(before.groups, decisions, strict=True)
    ]
    return await put(
        office,
        *asked,
        deadline_s=await _stood_for(office, before),
        ref=before.ref,
        keeping=before.keeping,
        asked_by=asked_by,
        question_id=question_id,
    )


async def _stood_for(office: VerifierOffice, before: Verification) -> int | None:
    """Return for how many seconds a question was to stand; None: as long as any."""
    if before.link is None:
        return max(1, round((before.answer_by - before.created_at).total_seconds()))
    link = await office.links.find(before.link)
    within = None if link is None else link.question.get("answer_within_s")
    return within if isinstance(within, int) else None


async def put(
    office: VerifierOffice,
    *asked: AskedCredential,
    deadline_s: int | None,
    ref: str | None,
    keeping: Keeping | None,
    asked_by: str | None = None,
    question_id: str | None = None,
) -> Verification:
    """Put a question.

    Raises:
        CannotAskError: there is no governance file yet.
        RefusedError: the authority does not let this verifier ask it.
        PolicyBrokenError: it is against the verifier's own policy.
        NobodyCountsError: no accredited issuer could satisfy it.
        KeepingError: its answer cannot be kept like that.
    """
    tenant = office.tenant
    if (policy := (await office.policy.get()).policy) is not None:
        refuse_broken(policy.broken_by(asked, keeping))
    answer_in = timedelta(seconds=deadline_s or office.config.answer_deadline_s)

    async def shorten(question_id: str, url: str) -> str:
        if tenant.id == DEFAULT_TENANT:  # the question holds what is behind its address
            return address_of(tenant.place.url, question_id)
        return await tenant.short_links.add(url, lifetime=answer_in)

    try:
        return await office.desk.ask(
            tenant.profile,
            *asked,
            asker=office.asker,
            answer_in=answer_in,
            shorten=shorten,
            ref=ref,
            keeping=keeping,
            asked_by=asked_by,
            question_id=question_id,
        )
    except NoGovernanceError as err:
        raise CannotAskError(err, office.governance.last_report) from err
    except OverAskingError as err:
        decision = DecisionOut.of(err.decision).model_dump(mode="json")
        raise RefusedError(err.message, members={"decision": decision}, hint=err.hint) from err
