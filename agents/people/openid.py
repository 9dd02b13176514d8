"""Signing in with an account elsewhere: which person a provider's subject is.

1. An account is known by issuer and `sub`, which no provider gives twice; never by an e-mail address, which is.
2. It becomes a person's by an invitation, or by that person while signed in; one account is one person's for ever, so
   that four eyes hold: not even after it was taken away, or the person removed, is it somebody else's.
3. What a browser began it alone finishes: the state, the nonce and the PKCE verifier are made of a ticket that is bound
   to a cookie, and nothing is stored until a provider has vouched for somebody.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from wanderbuch.agents.people.challenges import Challenges, challenge_of
from wanderbuch.agents.people.openid_provider import OpenIdProvider, OpenIdRefusedError
from wanderbuch.agents.people.people import People
from wanderbuch.agents.people.person import Person
from wanderbuch.store.record import Record
from wanderbuch.store.records import NotFoundError, RecordStore


class OutsideAccount(Record):
    """An account elsewhere that is a person's. Its id is the hash of issuer and subject."""

    category: ClassVar[str] = "wanderbuch.people-outside-account"
    tag_names: ClassVar[tuple[str, ...]] = ("person_id",)

    person_id: str
    issuer: str
    subject: str
    removed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Returned:
    """What a browser brings back from the provider.

    Args:
        browser: what the browser's cookie holds: for what it went there.
    """

    browser: str
    state: str
    code: str
    issuer: str | None


class OutsideAccounts[P: Person]:
    """The accounts elsewhere of one tenant's people.

    Args:
        people: whose.
        records: where they are kept.
        challenges: of the tickets.
        provider: who vouches.
        clock: the instant now, aware UTC.
    """

    def __init__(
        self,
        people: People[P, Any],
        records: RecordStore[OutsideAccount],
        challenges: Challenges,
        provider: OpenIdProvider,
        *,
        clock: Callable[[], datetime],
    ) -> None:
        self.provider = provider
        self._people = people
        self._records = records
        self._challenges = challenges
        self._clock = clock

    async def of(self, person_id: str) -> list[OutsideAccount]:
        """Return the accounts of a person that are good."""
        return [
            outside_account
            for outside_account in await self._records.find(person_id=person_id)
            if outside_account.removed_at is None
        ]

    async def is_good(self, account_id: str, person_id: str) -> bool:
        """Tell whether a session that began with this account may go on."""
        account = await self._records.get_or_none(account_id)
        return account is not None and account.person_id == person_id and account.removed_at is None

    async def begin(self, browser: str) -> str:
        """Return where a browser goes; `browser` is what its cookie holds."""
        ticket = await self._challenges.new_ticket(f"openid {browser}")
        return await self.provider.authorization_url(
            state=ticket, nonce=_derived("nonce", ticket, browser), verifier=_derived("verifier", ticket, browser)
        )

    async def sign_out_url(self) -> str | None:
        """Return where a person signs out of the provider, too; it sends them back to this site."""
        return await self.provider.sign_out_url(
            self.provider.client.redirect_uri.removesuffix("/openid/callback") + "/"
        )

    async def account(self, returned: Returned) -> OutsideAccount:
        """Return the account that the provider vouches for; it is kept already, or `person_id` is empty.

        Raises:
            OpenIdRefusedError: the answer is not good.
            OpenIdUnreachableError: the provider did not answer.
            RefusedError: the state is another browser's, has ended, or was used.
        """
        await self._challenges.check(returned.state, f"openid {returned.browser}")
        issuer = self.provider.client.issuer
        subject = await self.provider.subject(
            code=returned.code,
            issuer=returned.issuer,
            nonce=_derived("nonce", returned.state, returned.browser),
            verifier=_derived("verifier", returned.state, returned.browser),
        )
        await self._challenges.use(returned.state)
        account_id = hashlib.sha256(f"{len(issuer)}:{issuer}{subject}".encode()).hexdigest()
        kept = await self._records.get_or_none(account_id)
        return kept or self._records.kind(
            id=account_id, person_id="", issuer=issuer, subject=subject, created_at=self._clock()
        )

    async def person_of(self, account: OutsideAccount) -> P:
        """Return whose account it is.

        Raises:
            OpenIdRefusedError: nobody's who may sign in.
        """
        if not account.person_id or account.removed_at is not None:
            raise OpenIdRefusedError(
                "this account is nobody's here", hint="open the link of your invitation first, or sign in another way"
            )
        person = await self._people.get(account.person_id)
        if not person.is_active:
            raise OpenIdRefusedError("this account does not let you in here")
        return person

    def given_to(self, account: OutsideAccount, person: P) -> OutsideAccount:
        """Return the account as this person's.

        Raises:
            OpenIdRefusedError: it is, or was, somebody's.
        """
        if account.person_id:
            raise OpenIdRefusedError("this account is, or was, somebody's", hint="use another account, or a passkey")
        return account.model_copy(update={"person_id": person.id})

    async def remove(self, person: P, account_id: str, *, by: str, stays: Sequence[Record]) -> None:
        """Take an account from a person: it lets nobody in any more, and sessions that began with it end.

        Args:
            person: whose.
            account_id: which.
            by: who takes it.
            stays: what has to be as it was read.

        Raises:
            NotFoundError: the person has none with this id.
            ChangedMeanwhileError: the person or what stays was changed just now.
        """
        if not await self.is_good(account_id, person.id):
            raise NotFoundError("you have no such account")
        account = await self._records.get(account_id)
        removed = account.model_copy(update={"removed_at": self._clock()})
        await self._people.note(
            person,
            "account elsewhere removed",
            key=f"account-removed:{account_id}",
            by=by,
            changed=[(account, removed), *((account, account) for account in stays)],
        )


def _derived(what: str, ticket: str, browser: str) -> str:
    """Return what nobody can make who has not both the ticket and the cookie (64 characters; RFC 7636 §4.1)."""
    return hashlib.sha256(f"{what} {challenge_of(ticket).hex()} {browser}".encode()).hexdigest()
