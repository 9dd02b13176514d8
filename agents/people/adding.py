"""People who are let in by a call that may come again (`Idempotency-Key`): the same person, with the same token.

A token is made of the call's key and of what the store alone knows, so it can be said again and is kept nowhere. Who
reads the whole store, but not the call, cannot make it.
"""

import base64
from collections.abc import Awaitable, Callable, Collection
from enum import StrEnum
from typing import Any

from wanderbuch.agents.people.people import People, token_hash
from wanderbuch.agents.people.person import Person
from wanderbuch.agents.runtime.app import MadeAndGoneError, Once
from wanderbuch.store.records import DuplicateError


async def add_once[P: Person, R: StrEnum](
    people: People[P, R], person_id: str, *, name: str, roles: Collection[R], by: str, once: Once | None
) -> tuple[P, str]:
    """Add a person with a token, or return them as this call added them before; errors as with `People.add`."""
    token = _token(once)
    try:
        return await people.add(person_id, name=name, roles=roles, by=by, token=token)
    except DuplicateError:
        if once is None or token is None or not once.came_before:
            raise
        person = await people.get(person_id)
        if person.token_hash != token_hash(token):
            raise
        return person, token


async def add_invited_once[P: Person, R: StrEnum](
    people: People[P, R],
    person_id: str,
    *,
    name: str,
    roles: Collection[R],
    by: str,
    once: Once | None,
    is_in: Callable[[P], Awaitable[bool]],
) -> P:
    """Add a person who is invited next, or return them if nothing has changed since this call added them.

    The invitation is made anew: an earlier one ends with it. Errors as with `People.add`.

    Args:
        people: among whom.
        person_id: their id.
        name: what they are called.
        roles: what they may.
        by: who lets them in.
        once: of the call.
        is_in: whether they have used an invitation: a call that comes late gives nobody a second way in.

    Raises:
        MadeAndGoneError: they are in already.
    """
    try:
        return await people.add_without_token(person_id, name=name, roles=roles, by=by)
    except DuplicateError:
        if once is None or not once.came_before:
            raise
        person = await people.get(person_id)
        if person.changes or not person.is_active or (person.name, set(person.roles)) != (name.strip(), set(roles)):
            raise
        if await is_in(person):
            raise MadeAndGoneError(
                "the invitation of this call was used", hint="to let them make a further passkey, invite them anew"
            ) from None
        return person


async def renew_once[P: Person](people: People[P, Any], person_id: str, *, by: str, once: Once | None) -> tuple[P, str]:
    """Give a person a new token, or return the one that this call gave; errors as with `People.renew_token`.

    Raises:
        MadeAndGoneError: they were given another one since.
    """
    token = _token(once)
    if once is not None and token is not None and once.is_done:
        person = await people.get(person_id)
        if person.token_hash != token_hash(token):
            raise MadeAndGoneError("another token was given since", hint="take a new key to give one more")
        await people.may_manage(by)
        return person, token
    return await people.renew_token(person_id, by=by, token=token)


def _token(once: Once | None) -> str | None:
    return None if once is None else base64.urlsafe_b64encode(once.secret).rstrip(b"=").decode()
