"""The verifier's REST API: routes.

A route parses, calls the desk, and serialises.
"""

from collections.abc import Sequence
from typing import Any, Final

from wanderbuch.agents.runtime.app import Call, Parameter, Route, get, post
from wanderbuch.agents.runtime.decisions import GovernanceRefOut
from wanderbuch.agents.runtime.governance_state import GOVERNANCE_ROUTES
from wanderbuch.agents.runtime.listing import LISTED, asked_part
from wanderbuch.agents.runtime.problems import MalformedError
from wanderbuch.agents.runtime.qr import qr_svg
from wanderbuch.agents.site.languages import LANGUAGES
from wanderbuch.agents.verifier.application_api import APPLICATION_ROUTES
from wanderbuch.agents.verifier.asking_again import ask_wallet_again
from wanderbuch.agents.verifier.cases import (
    CaseDestroyedOut,
    CaseKeyOut,
    CaseOut,
    destroy_case,
    show_case,
    show_key,
)
from wanderbuch.agents.verifier.erasure_api import ERASURE_ROUTES
from wanderbuch.agents.verifier.link_api import LINK_ROUTES
from wanderbuch.agents.verifier.models import (
    IdentityOut,
    NewRequest,
    RequestOut,
    Requests,
    RequestState,
    RequestSummary,
    StapleIn,
    StapleOut,
)
from wanderbuch.agents.verifier.office import VerifierOffice
from wanderbuch.agents.verifier.papers.paper_api import PAPER_ROUTES
from wanderbuch.agents.verifier.policy_api import POLICY_ROUTES
from wanderbuch.agents.verifier.putting import explain_question, put, put_again, put_in_words
from wanderbuch.agents.verifier.questions.document import WordedQuestion
from wanderbuch.agents.verifier.questions.explaining import explain, worker_words
from wanderbuch.agents.verifier.questions.models import ExplanationOut, SchemaOut, ToExplain, WordsOut
from wanderbuch.agents.verifier.questions.published import question_schema
from wanderbuch.agents.verifier.receipts import ReceiptOut, show_receipt
from wanderbuch.agents.verifier.staff_api import STAFF_ROUTES
from wanderbuch.agents.verifier.template_api import TEMPLATE_ROUTES
from wanderbuch.plugins.trust.verifying.asked import ONLY_GROUP, AskedCredential
from wanderbuch.plugins.trust.verifying.exchange import Verification, VerificationState, as_put


async def _ask(office: VerifierOffice, call: Call[NewRequest]) -> RequestOut:
    if (again := await _put_before(office, call)) is not None:
        return again
    told = call.body
    asked = AskedCredential(ONLY_GROUP, told.requirement.parsed(), told.award_precision)
    keeping = None if told.keep is None else told.keep.parsed()
    return _asked(
        await put(office, asked, deadline_s=told.deadline_s, ref=None, keeping=keeping, question_id=call.new_id)
    )


async def _ask_in_words(office: VerifierOffice, call: Call[WordedQuestion]) -> RequestOut:
    if (again := await _put_before(office, call)) is not None:
        return again
    return _asked(await put_in_words(office, call.body, question_id=call.new_id))


def _asked(verification: Verification) -> RequestOut:
    return RequestOut.shown(verification, seen=None, qr_svg=None)  # made when it is looked at


async def _ask_again(office: VerifierOffice, call: Call[None]) -> RequestOut:
    """Put a question once more, to whoever opens it: with the day of the award, where that was missing."""
    if (again := await _put_before(office, call)) is not None:
        return again
    before = await office.verification(call.path["id"])
    return _asked(await put_again(office, before, question_id=call.new_id))


async def _ask_wallet_again(office: VerifierOffice, call: Call[None]) -> RequestOut:
    return _asked(await ask_wallet_again(office, await office.verification(call.path["id"])))


async def _explain(office: VerifierOffice, call: Call[ToExplain]) -> ExplanationOut:
    told, _ = await explain_question(office, call.body.question, call.body.language)
    return told


async def _schema(office: VerifierOffice, call: Call[None]) -> SchemaOut:
    return SchemaOut(json_schema=question_schema())


async def _put_before(office: VerifierOffice, call: Call[Any]) -> RequestOut | None:
    """Return what a call was answered that comes again; None: it comes for the first time."""
    if call.once is None or (before := await office.desk.find(office.tenant.profile, call.once.id)) is None:
        return None
    return RequestOut.shown(as_put(before), seen=None, qr_svg=None)


async def _show(office: VerifierOffice, call: Call[None]) -> RequestOut:
    return await _shown(office, await office.verification(call.path["id"]))


async def _staple(office: VerifierOffice, call: Call[StapleIn]) -> StapleOut:
    issuer, staple = call.body.parsed()
    governance_snapshot = await office.desk.take_staple(office.tenant.profile, call.path["id"], staple, issuer=issuer)
    return StapleOut(
        issuer=issuer, current=GovernanceRefOut.of(governance_snapshot.ref), fresh_until=governance_snapshot.fresh_until
    )


async def _words(office: VerifierOffice, call: Call[None]) -> WordsOut:
    language = call.query.get("language", "en")
    if language not in LANGUAGES:
        raise MalformedError(f"expected a language ({', '.join(LANGUAGES)})")
    verification = await office.verification(call.path["id"])
    asked = [AskedCredential(group.group, group.requirement, group.award_precision) for group in verification.groups]
    learnt = worker_words(asked, keeping=verification.keeping, language=language)
    not_learnt = explain(asked, (), (), language=language).not_learnt
    return WordsOut(language=language, learnt=list(learnt), not_learnt=list(not_learnt))


async def _every(office: VerifierOffice, call: Call[None]) -> Requests:
    wanted, asked = call.query.get("state"), asked_part(call.query)
    if wanted is not None and wanted not in {state.value for state in RequestState}:
        raise MalformedError(f"expected a state ({', '.join(state.value for state in RequestState)})")
    states = None if wanted is None else RequestState(wanted).meant
    page = await office.desk.page(office.tenant.profile, states=states, limit=asked.limit, cursor=asked.cursor)
    return Requests(
        items=[RequestSummary.of(verification) for verification in page.items], next_cursor=page.next_cursor
    )


async def _forget(office: VerifierOffice, call: Call[None]) -> RequestOut:
    verification = await office.verification(call.path["id"])
    return await _shown(office, await office.desk.forget(office.tenant.profile, verification.id))


async def _cancel(office: VerifierOffice, call: Call[None]) -> RequestOut:
    await office.verification(call.path["id"])
    return await _shown(office, await office.desk.cancel(office.tenant.profile, call.path["id"]))


async def _identity(office: VerifierOffice, call: Call[None]) -> IdentityOut:
    return IdentityOut(did=office.tenant.did, name=office.name)


async def _shown(office: VerifierOffice, verification: Verification) -> RequestOut:
    seen = await office.desk.seen(office.tenant.profile, verification)
    address = verification.short_url or verification.invitation_url
    is_open = verification.state is VerificationState.OPEN  # nobody scans the code of a question that has ended
    return RequestOut.shown(verification, seen=seen, qr_svg=qr_svg(address) if is_open and address else None)


_STATE: Final = Parameter(
    "state", "Only those that stand there.", {"type": "string", "enum": [state.value for state in RequestState]}
)

_LANGUAGE: Final = Parameter(
    "language", "In which language; English if nothing is said.", {"type": "string", "enum": list(LANGUAGES)}
)

VERIFIER_ROUTES: Final[Sequence[Route]] = (
    post("/requests", _ask, body=NewRequest, result=RequestOut, status=201, summary="Put a question", once=True),
    post(
        "/questions",
        _ask_in_words,
        body=WordedQuestion,
        result=RequestOut,
        status=201,
        summary="Put a question that is written in words of the trade",
        once=True,
    ),
    post(
        "/questions/explain",
        _explain,
        body=ToExplain,
        result=ExplanationOut,
        summary="Say in plain words what a question would learn, without putting it",
    ),
    get("/questions/schema", _schema, result=SchemaOut, summary="Show the JSON schema of a question"),
    get("/requests", _every, result=Requests, summary="List the requests", query=(_STATE, *LISTED)),
    post(
        "/requests/{id}/again",
        _ask_again,
        result=RequestOut,
        status=201,
        summary="Put the same question once more; with the day of the award, where the answer lacked it",
        once=True,
    ),
    post(
        "/requests/{id}/again-same-wallet",
        _ask_wallet_again,
        result=RequestOut,
        summary="Put an applicant's question once more to their wallet, over the connection that it made by the link",
    ),
    get("/requests/{id}", _show, result=RequestOut, summary="Show a request and its decision"),
    get(
        "/requests/{id}/words",
        _words,
        result=WordsOut,
        summary="Say in plain words what a request asks",
        query=(_LANGUAGE,),
    ),
    post(
        "/requests/{id}/staple",
        _staple,
        body=StapleIn,
        result=StapleOut,
        summary="Hand over an issuer's own standing for this request",
    ),
    get("/requests/{id}/receipt", show_receipt, result=ReceiptOut, summary="Show the signed receipt of a decision"),
    get("/requests/{id}/case", show_case, result=CaseOut, summary="Show the sealed case file of a decision"),
    get("/requests/{id}/case/key", show_key, result=CaseKeyOut, summary="Show the key of a case file"),
    post(
        "/requests/{id}/case/destroy", destroy_case, result=CaseDestroyedOut, summary="Destroy the key of a case file"
    ),
    post("/requests/{id}/cancel", _cancel, result=RequestOut, summary="Take a question back that nobody has answered"),
    post("/requests/{id}/forget", _forget, result=RequestOut, summary="Forget the values that were seen"),
    *ERASURE_ROUTES,
    *LINK_ROUTES,
    *APPLICATION_ROUTES,
    *PAPER_ROUTES,
    *POLICY_ROUTES,
    *TEMPLATE_ROUTES,
    *STAFF_ROUTES,
    get("/identity", _identity, result=IdentityOut, summary="Show who asks, as an authority needs to know it"),
    *GOVERNANCE_ROUTES,
)
