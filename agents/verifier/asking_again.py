"""Ask the wallet again that answered a question by a link: over the connection that it made with that.

1. Only a question that was put over a connection has one; one that was put by an invitation is anybody's to answer, so
   it is put again as an invitation (`putting.put_again`).
2. The wallet keeps the new question and shows it; the person answers it, or does not. Who has said no to the last
   question, or has had an answer to any of the link's erased, also in part, is asked no more.
3. One question at a time: its id follows from the link, the connection and how often it was asked, so two clicks or
   processes make one. While it is open it is only sent again. A wallet is asked so many times at the most, whichever
   of its questions that is asked from and whichever links it came by over this connection, so that nobody is pestered.
4. What is asked is compiled anew, by the authority's file and the verifier's policy of now, and takes no place of the
   link: places are for those who come. It has no address: whoever opens the link's own is another applicant.
"""

from datetime import timedelta

from wanderbuch.agents.runtime.problems import RefusedError
from wanderbuch.agents.verifier.links.applying import question_message
from wanderbuch.agents.verifier.links.wallet_questions import (
    MOST_TIMES,
    count_asked_again,
    had_erased,
    ids_asked_again,
    ids_at_places,
    times_asked_again,
)
from wanderbuch.agents.verifier.office import VerifierOffice
from wanderbuch.agents.verifier.putting import asked_anew, refusals_told, refuse_against_policy, stood_for
from wanderbuch.plugins.exchange.connecting.connections import find_channel
from wanderbuch.plugins.exchange.sending import Sending
from wanderbuch.plugins.trust.verifying.asking import LinkPlace, title_of
from wanderbuch.plugins.trust.verifying.exchange import Verification, VerificationState
from wanderbuch.store.errors import DuplicateError
from wanderbuch.store.once import one_step


async def ask_wallet_again(
    office: VerifierOffice, before: Verification, *, asked_by: str | None = None
) -> Verification:
    """Put a question once more to the wallet that it was put to, and send it; return the question that is open now.

    Args:
        office: whose.
        before: any question that the wallet was asked by the link.
        asked_by: id of the person who asks at the desk.

    Raises:
        RefusedError: it has no connection, the person said no or had an answer erased, it was asked too often, or the
            authority does not let this verifier ask it.
        ResolutionError: the wallet cannot be reached now; the question stays open, and is sent when this is asked anew.
        CannotAskError, PolicyBrokenError, NobodyCountsError, KeepingError: as with `putting.put`.
    """
    profile = office.tenant.profile
    if before.over is None or before.link is None or before.ref is None:  # 1
        raise RefusedError(
            "this question was put by an invitation, which makes no connection with a wallet",
            hint="POST …/again puts it once more, to whoever opens it",
        )
    channel = await find_channel(profile, before.over)
    if channel is None:
        raise RefusedError("there is no connection any more with the wallet that was asked", hint="make a new link")
    async with one_step(profile, f"asking-again.{before.over}"):
        asked, next_id = await _standing(office, before)
        if asked.state.is_final and next_id is not None:
            asked = await _put(office, asked, next_id, asked_by=asked_by)
    if asked.state is VerificationState.OPEN:
        sending, message = profile.inject(Sending), question_message(asked)
        if channel.has_address:
            await sending.send(profile, channel, message)
        else:  # it takes what waits for it when it writes
            await sending.send_soon(profile, channel, message)
    return asked


async def may_ask_wallet_again(office: VerifierOffice, before: Verification) -> bool:
    """Return whether a wallet may be asked once more (1 to 3)."""
    if before.over is None or before.link is None or before.ref is None:
        return False
    try:
        await _standing(office, before)
    except RefusedError:
        return False
    return True


async def _standing(office: VerifierOffice, before: Verification) -> tuple[Verification, str | None]:
    """Return the question that is open, or the last one, and the id of the next (3).

    Raises:
        RefusedError: the wallet is asked no more.
    """
    assert before.link and before.over  # noqa: S101, PT018  (1; for the type checker)
    profile, asked, next_id = office.tenant.profile, {before.id: before}, None
    is_erased = await had_erased(profile, [before.id])
    for row in (ids_at_places(before.link, before.over), ids_asked_again(before.link, before.over)):
        for question_id in row:
            is_erased = is_erased or await had_erased(profile, [question_id])
            next_id, one = question_id, await office.desk.find(profile, question_id)
            if one is None:
                break
            asked[one.id] = one
    if is_erased:
        raise RefusedError("this wallet had an answer erased, and is asked no more", hint="ask by a code")
    in_turn = sorted(asked.values(), key=lambda one: one.created_at)
    if in_turn[-1].state is VerificationState.DECLINED:
        raise RefusedError("the worker said no to this question", hint="speak with them, or ask by a code")
    if still_open := [one for one in in_turn if not one.state.is_final]:
        return still_open[-1], None
    if next_id in asked or await times_asked_again(profile, before.over) >= MOST_TIMES:
        raise RefusedError(
            f"this wallet was asked {MOST_TIMES} times again, and is asked no more",
            hint="ask by a code",
        )
    return in_turn[-1], next_id


async def _put(office: VerifierOffice, before: Verification, question_id: str, *, asked_by: str | None) -> Verification:
    profile = office.tenant.profile
    asked = asked_anew(before)
    await refuse_against_policy(office, asked, before.keeping)
    answer_in = timedelta(seconds=await stood_for(office, before) or office.config.answer_deadline_s)
    answer_by, asker = office.tenant.clock() + answer_in, office.asker
    assert before.link and before.over and before.ref  # noqa: S101, PT018  (1; for the type checker)
    # Before it is counted: what cannot be asked costs the wallet none of its times.
    office.desk.check_keeping(before.keeping, title=title_of(asker, before.ref), last_answer=answer_by)
    with refusals_told(office):
        compiled = await office.desk.compile(*asked, asker=asker)
    await count_asked_again(profile, before.over)
    try:
        return await office.desk.put_over_connection(
            profile,
            compiled,
            asker=asker,
            place=LinkPlace(before.link, None, question_id, "", before.over),
            ref=before.ref,
            answer_by=answer_by,
            keeping=before.keeping,
            asked_by=asked_by,
        )
    except DuplicateError:  # a process that slept in its step
        return await office.desk.status(profile, question_id)
