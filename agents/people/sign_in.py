"""Signing in: what a person proves who they are by, and what a session rests on.

A means is a word and what it names: `token:<hash>`, `passkey:<id>`, `recovery:<number>`, `account:<id>`. A session goes
on while its person is active and its means is still theirs. Whatever the means, the person is the same one.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wanderbuch.agents.people.account import Account, code_hash, new_account, new_code
from wanderbuch.agents.people.invitations import Invitation, Invitations
from wanderbuch.agents.people.openid import OutsideAccount, OutsideAccounts, Returned
from wanderbuch.agents.people.openid_provider import OpenIdRefusedError
from wanderbuch.agents.people.passkeys import Ceremony, Passkey, PasskeyRefusedError, Passkeys
from wanderbuch.agents.people.people import People
from wanderbuch.agents.people.person import Person
from wanderbuch.agents.people.tries import Tries
from wanderbuch.agents.runtime.problems import RefusedError
from wanderbuch.store.records import DuplicateError, NotFoundError, Record, RecordStore

TOKEN, PASSKEY, RECOVERY, ACCOUNT = "token", "passkey", "recovery", "account"


class InvitationEndedError(RefusedError):
    """A link invites nobody any more."""

    def __init__(self) -> None:
        super().__init__(
            "this link was used, has ended, or was replaced by a newer one", hint="ask an administrator for a new link"
        )


class RecoveryRefusedError(RefusedError):
    """An id and a recovery code do not go together."""

    def __init__(self) -> None:
        super().__init__("this is not your id and your recovery code", hint="check both, or ask for a new link")


@dataclass(frozen=True, slots=True)
class Entered[P: Person]:
    """Somebody who has proved who they are.

    Args:
        means: what the session rests on.
        code: a new recovery code to show once; None if theirs is still good.
    """

    person: P
    means: str
    code: str | None = None


@dataclass(frozen=True, slots=True)
class OwnMeans:
    """What a person can sign in with."""

    passkeys: tuple[Passkey, ...]
    has_token: bool
    has_code: bool
    accounts: tuple[OutsideAccount, ...] = ()

    def left_without(self, means_id: str) -> Sequence[Record] | None:
        """Return what has to stay as it is where a passkey or an account goes, so that they can sign in; None: nothing.

        Of a token the person's own record tells, which is compared with every change.
        """
        if self.has_token:
            return ()
        left = [means for means in (*self.passkeys, *self.accounts) if means.id != means_id]
        return left[:1] or None


class SignIn[P: Person]:
    """How the people of one tenant sign in.

    Args:
        people: who.
        accounts: recovery codes and handles.
        invitations: links to make the first passkey.
        passkeys: None where the site has no configured address, or one without https: passkeys are bound to it.
        tries: bounds recovery codes, and answers of providers.
        outside: accounts elsewhere; None where no provider is configured.
    """

    def __init__(
        self,
        people: People[P, Any],
        accounts: RecordStore[Account],
        invitations: Invitations[P],
        passkeys: Passkeys[P] | None,
        tries: Tries,
        outside: OutsideAccounts[P] | None = None,
    ) -> None:
        self.people = people
        self.invitations = invitations
        self.passkeys = passkeys
        self._accounts = accounts
        self._tries = tries
        self.outside = outside
        people.lasting_means = self._lasting_means

    # What a session rests on

    async def by_token(self, token: str) -> tuple[P, str] | None:
        """Return whose token this is, and the means that it is; None if nobody's."""
        person = await self.people.by_token(token)
        return None if person is None else (person, f"{TOKEN}:{person.token_hash}")

    async def get(self, person_id: str, /) -> P:
        """Return a person by id.

        Raises:
            NotFoundError: there is no such person.
        """
        return await self.people.get(person_id)

    async def stands(self, person: P, means: str, /, *, since: datetime | None = None) -> bool:
        """Tell whether a session that this person began by this means may go on.

        Args:
            person: who.
            means: by which.
            since: when it began; one from before the person was blocked has ended for good.
        """
        if not person.is_active or (since and person.unblocked_at and since < person.unblocked_at):
            return False
        kind, _, name = means.partition(":")
        match kind:
            case "token":
                return person.token_hash is not None and hmac.compare_digest(person.token_hash, name)
            case "passkey":
                return self.passkeys is not None and await self.passkeys.is_good(name, person.id)
            case "recovery":
                account = await self._accounts.get_or_none(person.id)
                return account is not None and str(account.recoveries) == name
            case "account":
                return self.outside is not None and await self.outside.is_good(name, person.id)
            case _:
                return False

    # By passkey

    def needed_passkeys(self) -> Passkeys[P]:
        """Return the passkeys.

        Raises:
            RefusedError: the site has no configured address.
        """
        if self.passkeys is None:
            raise RefusedError(
                "this site has no passkeys: it has no https address of its own", hint="the operator sets [app] url"
            )
        return self.passkeys

    async def by_passkey(self, browser: str, *, ticket: str, answer: str) -> Entered[P]:
        """Return who signs in with a passkey; errors as with `Passkeys.finish_sign_in`."""
        person, passkey = await self.needed_passkeys().finish_sign_in(browser, ticket=ticket, answer=answer)
        return Entered(person, f"{PASSKEY}:{passkey.id}")

    async def begin_accepting(self, secret: str) -> tuple[P, Ceremony]:
        """Return whom a link invites, and what makes their passkey.

        Raises:
            InvitationEndedError: nobody.
        """
        person, _ = await self._invited(secret)
        return person, await self.needed_passkeys().begin_making(person, f"invitation {secret}")

    async def accept(self, secret: str, *, ticket: str, answer: str, label: str) -> Entered[P]:
        """Keep the passkey that an invited person made; the link is used then.

        Raises:
            InvitationEndedError: the link invites nobody.
            PasskeyRefusedError: the answer is not good; the link stays.
            ChangedMeanwhileError: the link was used, or the person changed, just now.
        """
        person, invitation = await self._invited(secret)
        made = await self.needed_passkeys().finish_making(
            person, f"invitation {secret}", ticket=ticket, answer=answer, label=label
        )
        return await self._keep(person, made, by=person.id, invitation=invitation)

    async def begin_adding(self, person: P, session: str) -> Ceremony:
        """Return what makes a further passkey of somebody who is signed in."""
        return await self.needed_passkeys().begin_making(person, f"session {session}")

    async def add(self, person: P, session: str, *, ticket: str, answer: str, label: str) -> Entered[P]:
        """Keep a further passkey; errors as with `accept`."""
        made = await self.needed_passkeys().finish_making(
            person, f"session {session}", ticket=ticket, answer=answer, label=label
        )
        return await self._keep(person, made, by=person.id)

    async def remove_passkey(self, person: P, passkey_id: str) -> None:
        """Remove one of one's own passkeys.

        Raises:
            NotFoundError: there is none with this id.
            RefusedError: nothing would be left to sign in with.
            ChangedMeanwhileError: it, or what is left, was used or removed, or the person was changed, just now.
        """
        passkeys = self.needed_passkeys()
        if (stays := (await self.means_of(person)).left_without(passkey_id)) is None:
            raise RefusedError("this is your last passkey", hint="add another one first")
        await passkeys.remove(person, passkey_id, by=person.id, stays=stays)

    # With an account elsewhere

    def needed_outside(self) -> OutsideAccounts[P]:
        """Return the accounts elsewhere.

        Raises:
            RefusedError: no provider is configured.
        """
        if self.outside is None:
            raise RefusedError("nobody signs in here with an account elsewhere", hint="sign in another way")
        return self.outside

    async def by_account(self, returned: Returned, *, network: str) -> Entered[P]:
        """Return who signs in with an account elsewhere.

        Raises:
            TooManyTriesError: there were too many tries from this network.
            OpenIdRefusedError: the answer is not good, or the account is nobody's who may sign in.
            OpenIdUnreachableError: the provider did not answer.
            RefusedError: the state is another browser's, has ended, or was used.
        """
        outside, counted = self.needed_outside(), f"account {network}"
        self._tries.count_network(counted)
        account = await outside.account(returned)
        person = await outside.person_of(account)
        self._tries.forget_network(counted)
        return Entered(person, f"{ACCOUNT}:{account.id}")

    async def accept_with_account(self, secret: str, returned: Returned, *, network: str) -> Entered[P]:
        """Keep the account of an invited person; the link is used then. Errors as with `by_account` and `accept`."""
        person, invitation = await self._invited(secret)
        outside, counted = self.needed_outside(), f"account {network}"
        self._tries.count_network(counted)
        account = outside.given_to(await outside.account(returned), person)
        try:
            await self.people.note(
                person,
                "account elsewhere added",
                key=f"account-added:{account.id}",
                by=person.id,
                new=[account],
                changed=[self.invitations.used(invitation)],
            )
        except DuplicateError as err:
            raise OpenIdRefusedError("this account is, or was, somebody's", hint="use another account") from err
        self._tries.forget_network(counted)
        return Entered(person, f"{ACCOUNT}:{account.id}")

    async def remove_account(self, person: P, account_id: str) -> None:
        """Remove one of one's own accounts elsewhere; errors as with `remove_passkey`."""
        if (stays := (await self.means_of(person)).left_without(account_id)) is None:
            raise RefusedError("this is the last that you sign in with", hint="add a passkey first")
        await self.needed_outside().remove(person, account_id, by=person.id, stays=stays)

    # By recovery code

    async def recover(self, person_id: str, code: str, *, network: str) -> Entered[P]:
        """Return who signs in with a recovery code, which is replaced.

        Args:
            person_id: as they typed it.
            code: as they typed it.
            network: from which they ask.

        Raises:
            TooManyTriesError: there were too many tries for this person, or from this network.
            RecoveryRefusedError: the code is not good, or not this person's.
        """
        self._tries.count_network(network)
        named = person_id.strip().lower()[:64]
        self._tries.count_person(named)  # whether it is somebody's or not: else the count would tell
        try:
            person = await self.people.get(named)
        except NotFoundError as err:
            raise RecoveryRefusedError from err
        account = await self._accounts.get_or_none(person.id)
        if account is None or account.recovery_hash is None or not person.is_active:
            raise RecoveryRefusedError
        if not hmac.compare_digest(account.recovery_hash, code_hash(code)):
            raise RecoveryRefusedError
        renewed, next_code = await self._replace_code(person, account, "recovery code used")
        self._tries.forget_person(person.id)
        return Entered(person, f"{RECOVERY}:{renewed.recoveries}", next_code)

    async def renew_code(self, person: P, means: str) -> Entered[P]:
        """Return a new recovery code of somebody who is signed in; the old one is worth nothing.

        Args:
            person: who.
            means: by which they signed in; if it was the old code, the session rests on the new one from now on.

        Raises:
            ChangedMeanwhileError: it was used or replaced just now.
        """
        account = await self._accounts.get_or_none(person.id)
        renewed, code = await self._replace_code(person, account, "new recovery code")
        is_by_code = means.startswith(f"{RECOVERY}:")
        return Entered(person, f"{RECOVERY}:{renewed.recoveries}" if is_by_code else means, code)

    async def is_in(self, person: P) -> bool:
        """Return whether somebody has a passkey or an account, so that no first invitation is needed any more."""
        means = await self.means_of(person)
        return bool(means.passkeys or means.accounts)

    async def means_of(self, person: P) -> OwnMeans:
        """Return what a person can sign in with."""
        account = await self._accounts.get_or_none(person.id)
        return OwnMeans(
            passkeys=tuple(await self.passkeys.of(person.id)) if self.passkeys else (),
            has_token=person.token_hash is not None,
            has_code=account is not None and account.recovery_hash is not None,
            accounts=tuple(await self.outside.of(person.id)) if self.outside else (),
        )

    async def _lasting_means(self, person: P) -> Sequence[Record] | None:
        return (await self.means_of(person)).left_without("")

    async def _invited(self, secret: str) -> tuple[P, Invitation]:
        invited = await self.invitations.open(secret)
        if invited is None:
            raise InvitationEndedError
        return invited

    async def _keep(
        self,
        person: P,
        made: tuple[Passkey, Account, Account | None],
        *,
        by: str,
        invitation: Invitation | None = None,
    ) -> Entered[P]:
        """Keep a passkey with all that changes with it; whoever has no recovery code is given one."""
        passkey, account, before = made
        code = new_code() if account.recovery_hash is None else None
        kept = account if code is None else account.with_code(code)
        try:
            await self.people.note(
                person,
                "passkey added",
                key=f"passkey-added:{passkey.id}",
                by=by,
                new=[passkey] if before else [passkey, kept],
                changed=[
                    *([(before, kept)] if before is not None and before != kept else []),
                    *([self.invitations.used(invitation)] if invitation else []),
                ],
            )
        except DuplicateError as err:
            raise PasskeyRefusedError("this passkey is, or was, somebody's", hint="make another one") from err
        return Entered(person, f"{PASSKEY}:{passkey.id}", code)

    async def _replace_code(self, person: P, account: Account | None, what: str) -> tuple[Account, str]:
        code = new_code()
        renewed = (account or new_account(self._accounts.kind, person.id)).with_code(code)
        await self.people.note(
            person,
            what,
            key=f"recovery:{person.id}:{renewed.recoveries}",
            by=person.id,
            new=() if account else (renewed,),
            changed=((account, renewed),) if account else (),
        )
        return renewed, code
