"""Asking somebody in DIDComm v2 and waiting for the answer: on the same connection, or as a message of their own.

Whoever is asked may answer either way (`return_route`). A message of their own is heard only in the process that asked:
where several share one address, it may come to another, and the question ends without an answer.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from acapy_agent.core.profile import Profile

from wanderbuch.errors import ExchangeError, ResolutionError
from wanderbuch.plugins.exchange.connecting.peer_dids import short_form
from wanderbuch.plugins.exchange.key_ring import KeyRing
from wanderbuch.plugins.exchange.v2.contacts import V2Contacts
from wanderbuch.plugins.exchange.v2.did_documents import V2Contact
from wanderbuch.plugins.exchange.v2.jwe import JweError, did_of, is_jwe, read_jwe
from wanderbuch.plugins.exchange.v2.message_types import is_other_of, is_same
from wanderbuch.plugins.exchange.v2.plaintext import Plaintext, new_message
from wanderbuch.plugins.exchange.v2.protocols.report_problem import PROBLEM_REPORT
from wanderbuch.plugins.exchange.v2.sending import V2Sending
from wanderbuch.plugins.exchange.v2.unpacking import OwnAgreementKey, Unpacked, unpack
from wanderbuch.store.tables import tenant_of

_MAX_BYTES: Final = 256 * 1024
_MAX_WAITING: Final = 256
_MAX_WAITING_A_TENANT: Final = 64


class NoAnswerError(ResolutionError):
    """Somebody took a question and did not answer it."""

    code = "resolution.no_answer"


class UnthreadedAnswerError(ResolutionError):
    """Somebody answered without saying what: it may be an old answer, to another question, that somebody kept."""

    code = "resolution.unthreaded_answer"

    def __init__(self) -> None:
        super().__init__(
            "the other side answered without naming the question (thid), so the answer does not count",
            hint="its software must put the question's id into thid",
        )


@dataclass(slots=True)
class _Question:
    """A question that waits for its answer.

    Args:
        tenant: who asks.
        own_did: under this DID.
        of: the short form of the DID that was asked.
        kind: the question's type.
        answer: what came.
        has_unthreaded: whether something like an answer came by who was asked that names no question.
    """

    tenant: str
    own_did: str
    of: str
    kind: str
    answer: asyncio.Future[Plaintext]
    has_unthreaded: bool = False


class V2Asking:
    """Asks for all tenants of a process; bound in the root injector.

    Args:
        contacts: the DID documents of others.
        keys: our secret keys.
        sending: the way out.
    """

    def __init__(self, contacts: V2Contacts, keys: KeyRing, sending: V2Sending) -> None:
        self._contacts = contacts
        self._keys = keys
        self._sending = sending
        self._waiting: dict[str, _Question] = {}

    async def ask(
        self,
        profile: Profile,
        own_kids: tuple[str, ...],
        to: str,
        kind: str,
        body: Mapping[str, Any],
        *,
        pthid: str | None = None,
        wait_s: float = 15.0,
    ) -> Plaintext:
        """Return the answer to a message.

        Args:
            profile: who asks.
            own_kids: names of its keys for key agreement.
            to: the DID of who is asked.
            kind: the message's type.
            body: what it says.
            pthid: the invitation that it answers.
            wait_s: how long to wait for the answer once the question was taken, in seconds.

        Raises:
            ExchangeError: they cannot be written to, or what they answer is not by them.
            ResolutionError: they cannot be reached, or do not answer.
        """
        own_did, tenant = did_of(own_kids[0]), tenant_of(profile)
        if short_form(to) == short_form(own_did):
            raise ExchangeError("expected the DID of somebody else, found this agent's own")
        contact = await self._contacts.of(profile, to)
        message = replace(new_message(kind, body, sender=own_did, to=contact.did, pthid=pthid), return_route="all")
        of_tenant = sum(question.tenant == tenant for question in self._waiting.values())
        if len(self._waiting) >= _MAX_WAITING or of_tenant >= _MAX_WAITING_A_TENANT:
            raise ExchangeError("too many questions wait for their answers", hint="try again in a minute")
        answer: asyncio.Future[Plaintext] = asyncio.get_running_loop().create_future()
        question = _Question(tenant, own_did, short_form(contact.did), kind, answer)
        self._waiting[message.id] = question
        try:
            packed = await self._sending.pack(profile, message, contact, own_kids)
            came = await self._sending.deliver(profile, packed, contact)
            # If it is no envelope, it is a server's own words, and the answer may still come.
            is_taken = not is_jwe(came) or self.take(await self._unpacked(profile, came, own_kids, contact))
            if not is_taken and question.has_unthreaded:  # on the same connection nothing more comes
                raise UnthreadedAnswerError
            async with asyncio.timeout(wait_s):
                return await answer
        except TimeoutError as err:
            if question.has_unthreaded:
                raise UnthreadedAnswerError from err
            raise NoAnswerError("the other side took the message, and did not answer", hint="try again later") from err
        finally:
            del self._waiting[message.id]

    def take(self, unpacked: Unpacked) -> bool:
        """Take a message that came if it answers a question of ours; False: it does not."""
        if unpacked.sender is None:
            return False
        message, sender, own_did = unpacked.message, short_form(unpacked.sender.did), unpacked.own_did
        # A problem report is a thread of its own, whose parent is the thread in which the problem occurred.
        is_report = is_same(message.type, PROBLEM_REPORT) and message.pthid is not None
        question = self._waiting.get(message.pthid if is_report and message.pthid is not None else message.thid)
        if question is not None and (question.of, question.own_did) == (sender, own_did) and not question.answer.done():
            question.answer.set_result(message)
            return True
        if message.thid == message.id and message.pthid is None:
            for waiting in self._waiting.values():
                is_like_one = is_other_of(message.type, waiting.kind) or is_same(message.type, PROBLEM_REPORT)
                if (waiting.of, waiting.own_did) == (sender, own_did) and is_like_one:
                    waiting.has_unthreaded = True
        return False

    async def _unpacked(self, profile: Profile, body: bytes, own_kids: tuple[str, ...], contact: V2Contact) -> Unpacked:
        async def asked(did: str) -> V2Contact:
            if short_form(did) != short_form(contact.did):  # whose document is none of our business
                raise JweError("expected the answer to be by who was asked")
            return await self._contacts.of(profile, did)

        jwe = read_jwe(body, max_bytes=_MAX_BYTES)
        recipient = next((candidate for candidate in jwe.recipients if candidate.kid in own_kids), None)
        if recipient is None:
            raise JweError("expected the answer to be for who asked")
        own = OwnAgreementKey(recipient, await self._keys.secret(profile, recipient.kid))
        return await unpack(jwe, own, asked, max_bytes=_MAX_BYTES)
