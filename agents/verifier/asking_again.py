"""Ask the wallet again that answered a question by a link: over the connection that it made with that.

1. Only a question that was put over a connection has one; one that was put by an invitation is anybody's to answer, so
   it is put again as an invitation (`putting.put_again`).
2. The wallet keeps the new question and shows it; the person answers it, or does not. Who has said no, or has had an
   answer erased, is asked no more.
3. One question at a time: its id follows from that of the one before, so two clicks or processes make one. While it is
   open it is only sent again. A wallet is asked so many times at the most, so that nobody is pestered.
4. What is asked is compiled anew, by the authority's file and the verifier's policy of now, and takes no place of the
   link: places are for those who come.
"""

from datetime import timedelta
from typing import Final

from wanderbuch.agents.runtime.problems import RefusedError
from wanderbuch.agents.verifier.erasing.erasure import erasures
from wanderbuch.agents.verifier.links.applying import question_message
from wanderbuch.agents.verifier.office import VerifierOffice
from wanderbuch.agents.verifier.putting import asked_anew, refusals_told, refuse_against_policy, stood_for
from wanderbuch.plugins.exchange.connecting.connections import find_channel
from wanderbuch.plugins.exchange.sending import Sending
from wanderbuch.plugins.trust.verifying.asking import LinkPlace
from wanderbuch.plugins.trust.verifying.exchange import Verification, VerificationState
from wanderbuch.store.errors import DuplicateError
from wanderbuch.store.once import one_step, own_id

MOST_TIMES: Final = 12
"""So often one wallet is asked again."""


async def ask_wallet_again(
    office: VerifierOffice, before: Verification, *, asked_by: str | None = None
) -> Verification:
    """Put a question once more to the wallet that it was put to, and send it; return the question that is open now.

    Args:
        office: whose.
        before: the first question, or any that was asked again after it.
        asked_by: id of the person who asks at the desk.

    Raises:
        RefusedError: it has no connection, the person said no or had an answer erased, it was asked too often, or the
            authority does not let this verifier ask it.
        ResolutionError: the wallet cannot be reached now; the question stays open, and is sent when this is asked anew.
        CannotAskError, PolicyBrokenError, NobodyCountsError, KeepingError: as with `putting.put`.
    """
    profile = office.tenant.profile
    if before.over is None or before.ref is None:  # 1
        raise RefusedError(
            "this question was put by an invitation, which makes no connection with a wallet",
            hint="POST …/again puts it once more, to whoever opens it",
        )
    channel = await find_channel(profile, before.over)
    if channel is None:
        raise RefusedError("there is no connection any more with the wallet that was asked", hint="make a new link")
    async with one_step(profile, f"asking-again.{before.over}"):
        asked = await _newest(office, before)
        if asked.state.is_final:
            asked = await _put(office, asked, asked_by=asked_by)
    if asked.state is VerificationState.OPEN:
        sending, message = profile.inject(Sending), question_message(asked)
        if channel.has_address:
            await sending.send(profile, channel, message)
        else:  # it takes what waits for it when it writes
            await sending.send_soon(profile, channel, message)
    return asked


async def _newest(office: VerifierOffice, before: Verification) -> Verification:
    """Return the last question of a row (3).

    Raises:
        RefusedError: the row is as long as it may be.
    """
    newest = before
    for _ in range(MOST_TIMES):
        after = await office.desk.find(office.tenant.profile, _next_id(newest))
        if after is None:
            return newest
        newest = after
    if not newest.state.is_final:
        return newest
    raise RefusedError(
        f"this wallet was asked {MOST_TIMES} times again, and is asked no more",
        hint="ask by a code, or a new link",
    )


async def _put(office: VerifierOffice, before: Verification, *, asked_by: str | None) -> Verification:
    profile, question_id = office.tenant.profile, _next_id(before)
    if before.state is VerificationState.DECLINED:  # 2
        raise RefusedError("the worker said no to this question", hint="speak with them, or ask by a code")
    if await erasures(profile).knows(question_id):
        raise RefusedError("this wallet had its answer erased, and is asked no more", hint="ask by a code")
    asked = asked_anew(before)
    await refuse_against_policy(office, asked, before.keeping)
    answer_in = timedelta(seconds=await stood_for(office, before) or office.config.answer_deadline_s)
    assert before.over is not None and before.ref is not None  # noqa: S101, PT018  (1; for the type checker)
    with refusals_told(office):
        compiled = await office.desk.compile(*asked, asker=office.asker)
    try:
        return await office.desk.put_over_connection(
            profile,
            compiled,
            asker=office.asker,
            place=LinkPlace(before.link or "", None, question_id, before.invitation_url, before.over),
            ref=before.ref,
            answer_by=office.tenant.clock() + answer_in,
            keeping=before.keeping,
            asked_by=asked_by,
        )
    except DuplicateError:  # a process that slept in its step
        return await office.desk.status(profile, question_id)


def _next_id(before: Verification) -> str:
    return own_id("asked again", before.id)
