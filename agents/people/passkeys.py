"""Passkeys: made by a person for this site, and signed in with (W3C Web Authentication Level 2).

The checks, in this order; the numbers stand in the code:

1. The ticket was made for this step and this browser (or invitation, or session), has not ended, and is good once.
2. The answer is JSON of the expected form, small, and made for no page within another site's (`crossOrigin`).
3. The library checks type, challenge, origin, relying party, user presence, user verification and signature.
4. The credential is one that we know, it was not removed, and its person is active; the handle that the authenticator
   has is that person's. A credential belongs to one person for ever.
5. The counter grew, if the authenticator has one; it is compared again where it is written.
"""

import asyncio
import base64
import hashlib
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final

from wanderbuch.agents.people.account import Account, new_account
from wanderbuch.agents.people.address import SiteAddress
from wanderbuch.agents.people.challenges import Challenges, challenge_of
from wanderbuch.agents.people.people import People
from wanderbuch.agents.people.person import Person
from wanderbuch.agents.runtime.problems import MalformedError, RefusedError
from wanderbuch.base64_text import from_base64
from wanderbuch.store.record import Record
from wanderbuch.store.records import NotFoundError, RecordStore
from wanderbuch.strict_json import StrictJsonError, read_strict_json

MAX_NAME: Final = 60
MAX_PASSKEYS: Final = 10  # of one person
_MAX_ANSWER_BYTES: Final = 32 * 1024
_LIBRARY: Final = "wanderbuch.agents.people.ceremonies"
_BASE64URL: Final = re.compile(r"[A-Za-z0-9_-]{1,2000}")


class PasskeyRefusedError(RefusedError):
    """An authenticator's answer is not good; why stands in the log alone."""


class Passkey(Record):
    """A passkey of a person. Its id is the hash of the credential's, so that one credential is one person's for ever.

    Args:
        credential_id, public_key: base64url; the key is a COSE key.
        sign_count: as the authenticator said last.
        label: what the person calls it.
        is_backed_up: whether it is kept by a provider of passkeys, or on one device alone.
    """

    category: ClassVar[str] = "wanderbuch.people-passkey"
    tag_names: ClassVar[tuple[str, ...]] = ("person_id",)

    person_id: str
    credential_id: str
    public_key: str
    sign_count: int
    label: str
    is_backed_up: bool
    used_at: datetime | None = None
    removed_at: datetime | None = None

    def index_state(self) -> str:
        """Return what listings filter by."""
        return "" if self.removed_at is None else "REMOVED"


@dataclass(frozen=True, slots=True)
class Ceremony:
    """What a page needs to ask an authenticator.

    Args:
        ticket: what the form sends back.
        options: JSON for `parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON`.
    """

    ticket: str
    options: str


class Passkeys[P: Person]:
    """The passkeys of one tenant's people.

    Args:
        people: whose.
        passkeys: where they are kept.
        accounts: where the handles are kept.
        challenges: of the ceremonies.
        address: of the site.
        site_name: what authenticators call it.
        clock: the instant now, aware UTC.
    """

    def __init__(
        self,
        people: People[P, Any],
        passkeys: RecordStore[Passkey],
        accounts: RecordStore[Account],
        challenges: Challenges,
        address: SiteAddress,
        *,
        site_name: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._people = people
        self._passkeys = passkeys
        self._accounts = accounts
        self._challenges = challenges
        self.address = address
        self._site_name = site_name
        self._clock = clock

    async def of(self, person_id: str) -> list[Passkey]:
        """Return the passkeys of a person that are good, oldest first."""
        return [passkey for passkey in await self._passkeys.find(person_id=person_id) if passkey.removed_at is None]

    async def begin_making(self, person: P, purpose: str) -> Ceremony:
        """Return what makes a passkey for a person.

        Args:
            person: for whom.
            purpose: the page: the invitation, or the session, that may make it.
        """
        account = await self._accounts.get_or_none(person.id) or new_account(self._accounts.kind, person.id)
        ticket = await self._challenges.new_ticket(_making(person, account, purpose))
        await _have_library()
        from wanderbuch.agents.people.ceremonies import options_to_make

        options = options_to_make(
            self.address,
            challenge_of(ticket),
            site_name=self._site_name,
            person_name=person.name,
            handle=bytes.fromhex(account.user_handle),
            known=[_bytes(passkey.credential_id) for passkey in await self.of(person.id)],
        )
        return Ceremony(f"{ticket}~{account.user_handle}", options)

    async def finish_making(
        self, person: P, purpose: str, *, ticket: str, answer: str, label: str
    ) -> tuple[Passkey, Account, Account | None]:
        """Check what an authenticator made; nothing is kept yet but that the ticket was used.

        Args:
            person: for whom.
            purpose: as when it began.
            ticket: what the page sent back.
            answer: the authenticator's, JSON.
            label: what the person calls it.

        Returns:
            The passkey, the account, and the account as it is kept now; None if it is new.

        Raises:
            PasskeyRefusedError: the answer is not good.
            RefusedError: the ticket is not, or there are too many passkeys.
            MalformedError: the name is too long.
        """
        ticket, _, handle = ticket.partition("~")
        before = await self._accounts.get_or_none(person.id)
        account = before or self._accounts.kind(id=person.id, user_handle=_handle(handle))
        challenge = await self._challenges.check(ticket, _making(person, account, purpose))  # 1
        checked_label = _label(label)
        known = await self.of(person.id)
        if len(known) >= MAX_PASSKEYS:
            raise RefusedError(f"one person has at most {MAX_PASSKEYS} passkeys", hint="remove one first")
        credential = _read(answer)  # 2
        await _have_library()
        from wanderbuch.agents.people.ceremonies import AnswerRefusedError, check_made

        try:
            made = check_made(self.address, challenge, credential)  # 3
        except AnswerRefusedError as err:
            raise _refused() from err
        passkey_id = _id_of(made.credential_id)
        if await self._passkeys.get_or_none(passkey_id) is not None:  # 4
            raise PasskeyRefusedError("this passkey is, or was, somebody's", hint="make another one")
        await self._challenges.use(ticket)  # 1
        passkey = self._passkeys.kind(
            id=passkey_id,
            person_id=person.id,
            credential_id=_text(made.credential_id),
            public_key=_text(made.public_key),
            sign_count=made.sign_count,
            label=checked_label or f"Passkey {len(known) + 1}",
            is_backed_up=made.is_backed_up,
            created_at=self._clock(),
        )
        return passkey, account, before

    async def begin_sign_in(self, browser: str) -> Ceremony:
        """Return what asks any of a browser's passkeys for this site."""
        ticket = await self._challenges.new_ticket(f"sign-in {browser}")
        await _have_library()
        from wanderbuch.agents.people.ceremonies import options_to_sign_in

        return Ceremony(ticket, options_to_sign_in(self.address, challenge_of(ticket)))

    async def finish_sign_in(self, browser: str, *, ticket: str, answer: str) -> tuple[P, Passkey]:
        """Return who signs in.

        Raises:
            PasskeyRefusedError: the answer is not good, or nobody's who may sign in.
            RefusedError: the ticket is not good.
        """
        challenge = await self._challenges.check(ticket, f"sign-in {browser}")  # 1
        credential = _read(answer)  # 2
        passkey = await self._known(credential)  # 4
        person = await self._owner(passkey, credential)
        await _have_library()
        from wanderbuch.agents.people.ceremonies import AnswerRefusedError, check_shown

        try:
            shown = check_shown(  # 3
                self.address,
                challenge,
                credential,
                public_key=_bytes(passkey.public_key),
                sign_count=passkey.sign_count,
            )
        except AnswerRefusedError as err:
            raise _refused() from err
        await self._challenges.use(ticket)  # 1

        def count(kept: Passkey) -> Passkey:
            counts = max(shown.sign_count, kept.sign_count) > 0
            if kept.removed_at is not None or (counts and shown.sign_count <= kept.sign_count):  # 5
                raise _refused()
            return kept.model_copy(
                update={
                    "sign_count": shown.sign_count,
                    "is_backed_up": shown.is_backed_up,
                    "used_at": self._clock(),
                }
            )

        return person, await self._passkeys.change(passkey.id, count)

    async def is_good(self, passkey_id: str, person_id: str) -> bool:
        """Tell whether a session that began with this passkey may go on."""
        passkey = await self._passkeys.get_or_none(passkey_id)
        return passkey is not None and passkey.person_id == person_id and passkey.removed_at is None

    async def rename(self, person: P, passkey_id: str, label: str) -> Passkey:
        """Call a passkey of one's own something else.

        Raises:
            NotFoundError: the person has none with this id.
            MalformedError: the name is empty or too long.
        """
        await self._own(person, passkey_id)
        if not (checked := _label(label)):
            raise MalformedError(f"expected a name of 1 to {MAX_NAME} characters")
        return await self._passkeys.change(passkey_id, lambda kept: kept.model_copy(update={"label": checked}))

    async def remove(self, person: P, passkey_id: str, *, by: str, stays: Sequence[Record]) -> None:
        """Take a passkey from a person: it lets nobody in any more, and sessions that began with it end.

        Args:
            person: whose.
            passkey_id: which.
            by: who takes it.
            stays: what has to be as it was read.

        Raises:
            NotFoundError: the person has none with this id.
            ChangedMeanwhileError: it was used, or the person or what stays was changed, just now.
        """
        passkey = await self._own(person, passkey_id)
        removed = passkey.model_copy(update={"removed_at": self._clock()})
        await self._people.note(
            person,
            "passkey removed",
            key=f"passkey-removed:{passkey_id}",
            by=by,
            changed=[(passkey, removed), *((passkey_record, passkey_record) for passkey_record in stays)],
        )

    async def _own(self, person: P, passkey_id: str) -> Passkey:
        passkey = await self._passkeys.get_or_none(passkey_id)
        if passkey is None or passkey.person_id != person.id or passkey.removed_at is not None:
            raise NotFoundError("you have no such passkey")
        return passkey

    async def _known(self, credential: dict[str, Any]) -> Passkey:
        try:
            passkey_id = _id_of(_bytes(credential["rawId"]))
        except ValueError as err:
            raise _refused() from err
        passkey = await self._passkeys.get_or_none(passkey_id)
        if passkey is None or passkey.removed_at is not None:
            raise PasskeyRefusedError("this passkey is not known here", hint="use another one, or your recovery code")
        return passkey

    async def _owner(self, passkey: Passkey, credential: dict[str, Any]) -> P:
        account = await self._accounts.get(passkey.person_id)
        handle = credential["response"].get("userHandle")
        expected = _text(bytes.fromhex(account.user_handle))
        person = await self._people.get(passkey.person_id)
        if not isinstance(handle, str) or handle.rstrip("=") != expected or not person.is_active:
            raise _refused()
        return person


async def _have_library() -> None:
    """Load what checks ceremonies beside the event loop, the first time."""

    def load() -> None:
        import wanderbuch.agents.people.ceremonies  # noqa: F401 (see there)

    if _LIBRARY not in sys.modules:
        await asyncio.to_thread(load)


def _bytes(text: str) -> bytes:
    """Return what base64url without padding stands for; ValueError: it is none."""
    return from_base64(text, url_too=True)


def _text(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")


def _making(person: Person, account: Account, purpose: str) -> str:
    return f"make {person.id} {account.user_handle} {purpose}"


def _read(answer: str) -> dict[str, Any]:
    """Return an authenticator's answer, as far as the library expects it (2)."""
    try:
        read = read_strict_json(answer, max_bytes=_MAX_ANSWER_BYTES, max_depth=6)
        response = read.get("response") if isinstance(read, dict) else None
        if not isinstance(response, dict):
            raise _refused()
        for text in (read.get("id"), read.get("rawId")):
            if not isinstance(text, str) or not _BASE64URL.fullmatch(text):
                raise _refused()
        told = read_strict_json(
            _bytes(str(response.get("clientDataJSON", ""))), max_bytes=_MAX_ANSWER_BYTES, max_depth=6
        )
    except (StrictJsonError, ValueError) as err:
        raise _refused() from err
    if not isinstance(told, dict) or told.get("crossOrigin", False) is not False or "topOrigin" in told:
        raise _refused()
    checked: dict[str, Any] = read
    return checked


def _id_of(credential_id: bytes) -> str:
    return hashlib.sha256(credential_id).hexdigest()


def _handle(text: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise _refused()
    return text


def _label(label: str) -> str:
    if len(label.strip()) > MAX_NAME:
        raise MalformedError(f"expected a name of at most {MAX_NAME} characters")
    return label.strip()


def _refused() -> PasskeyRefusedError:
    return PasskeyRefusedError("this passkey does not let you in here", hint="open the page again, then repeat it")
