"""Explain a question, and put it: the same for the REST API, for templates and for the desk's pages."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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
from wanderbuch.agents.verifier.questions.explaining import Explained, explain
from wanderbuch.agents.verifier.questions.models import ExplanationOut
from wanderbuch.agents.verifier.reading import CannotAskError, read_question
from wanderbuch.plugins.trust.verifying.asked import AskedCredential, AwardPrecision
from wanderbuch.plugins.trust.verifying.asking import title_of
from wanderbuch.plugins.trust.verifying.exchange import Verification
from wanderbuch.plugins.trust.verifying.keeping import Keeping
from wanderbuch.plugins.trust.verifying.verifier import NoGovernanceError, OverAskingError
from wanderbuch.store.tables import DEFAULT_TENANT


async def explain_question(
    office: VerifierOffice, question: WordedQuestion, language: str
) -> tuple[ExplanationOut, Explained]:
    """Say in plain words what a question would learn, for the wire and for a page; nobody is asked.

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
    return ExplanationOut.of(asked, explained, preview), explained


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
    return await put(
        office,
        *asked_anew(before),
        deadline_s=await stood_for(office, before),
        ref=before.ref,
        keeping=before.keeping,
        asked_by=asked_by,
        question_id=question_id,
    )


def asked_anew(before: Verification) -> list[AskedCredential]:
    """Return what a question asks when it is put again: the day of those credentials, too, of which it was lacking."""
    needs_day = ask_again(before.decision) is AskAgain.WITH_DAY
    decisions = before.decisions or (None,) * len(before.groups)
    return [
        AskedCredential(
            group.group,
            group.requirement,
            AwardPrecision.DAY if needs_day and lacks_day(decision) else group.award_precision,
        )
        for group, decision in zip(before.groups, decisions, strict=True)
    ]


async def stood_for(office: VerifierOffice, before: Verification) -> int | None:
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
    await refuse_against_policy(office, asked, keeping)
    answer_in = timedelta(seconds=deadline_s or office.config.answer_deadline_s)

    async def shorten(question_id: str, url: str) -> str:
        if tenant.id == DEFAULT_TENANT:  # the question holds what is behind its address
            return address_of(tenant.place.url, question_id)
        return await tenant.short_links.add(url, lifetime=answer_in)

    with refusals_told(office):
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


async def refuse_against_policy(
    office: VerifierOffice, asked: Sequence[AskedCredential], keeping: Keeping | None
) -> None:
    """Go on only with a question that breaks no rule of the verifier's own policy.

    Raises:
        PolicyBrokenError: it breaks some.
    """
    if (policy := (await office.policy.get()).policy) is not None:
        refuse_broken(policy.broken_by(asked, keeping))


@contextmanager
def refusals_told(office: VerifierOffice) -> Iterator[None]:
    """Say what whoever asks can do about a question that may not be put.

    Raises:
        CannotAskError: there is no governance file yet.
        RefusedError: the authority does not let this verifier ask it.
    """
    try:
        yield
    except NoGovernanceError as err:
        raise CannotAskError(err, office.governance.last_report) from err
    except OverAskingError as err:
        decision = DecisionOut.of(err.decision).model_dump(mode="json")
        raise RefusedError(err.message, members={"decision": decision}, hint=err.hint) from err
