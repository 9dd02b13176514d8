"""`Idempotency-Key`: a call that makes something may be sent again without making another one.

1. A key belongs to the tenant, the caller and the route: nobody else's key is ever met, and nobody learns of it.
2. Before anything is made, the key is kept with a digest of the body and with the id of what will be made. So whoever
   comes again, after a crash and at another process too, makes the same one, or is shown it as it was made.
3. The same key with another body is refused. Of calls with one key that come at once one is taken after the other.
4. A call that was refused (4xx) made nothing: its key is free again.
5. Keys are kept for a day, at most 10,000 for a tenant. Nothing of the body or the answer is kept with them. A secret
   that a call makes (a person's token) follows from its key and from what is kept, so it can be answered again.
6. So a key that makes a secret has at least 22 characters, 128 bits of them random: whoever reads the store, with all
   that the other part of the secret is made of, cannot try all keys.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from typing import ClassVar, Final

from acapy_agent.core.profile import Profile
from pydantic import BaseModel

from wanderbuch.agents.runtime.app import SECRET_KEY_LENGTH, Once
from wanderbuch.agents.runtime.problems import MalformedError, status_of
from wanderbuch.errors import WanderbuchError
from wanderbuch.store.errors import DuplicateError
from wanderbuch.store.once import one_step
from wanderbuch.store.records import Record, RecordStore, new_id, utc_now
from wanderbuch.store.tables import tables_of, tenant_of

HEADER: Final = "Idempotency-Key"
KEPT_FOR: Final = timedelta(days=1)
MOST_KEYS: Final = 10_000
_KEY: Final = re.compile(r'"?([A-Za-z0-9._:~+/=-]{8,200})"?')
_WAIT_S: Final = 30.0
_CLIENT_ERRORS: Final = range(400, 500)


class KeyReusedError(WanderbuchError):
    """An `Idempotency-Key` came before, with another body."""

    code = "idempotency-key-reused"


class KeysFullError(WanderbuchError):
    """A tenant has used as many keys as are kept."""

    code = "idempotency-keys-full"


class UsedKey(Record):
    """A key that came; its id is a keyed hash of it.

    Args:
        digest: of the body, SHA-256, hexadecimal.
        made_id: the id of what is made with it.
        is_done: whether it was made.
    """

    category: ClassVar[str] = "wanderbuch.used_key"

    digest: str
    made_id: str
    is_done: bool = False

    def due_at(self) -> datetime | None:
        """Return when it is forgotten."""
        return self.created_at + KEPT_FOR


def key_of(header: str | None) -> str | None:
    """Return the key in a header, None if there is none.

    Raises:
        MalformedError: it is not 8 to 200 letters, digits and a few other characters.
    """
    if header is None:
        return None
    if (match := _KEY.fullmatch(header.strip())) is None:
        raise MalformedError(
            f"expected in {HEADER} 8 to 200 letters, digits, or any of . _ : ~ + / = -",
            hint="a random UUID, made anew for each thing to be made, and the same one when the call is sent again",
        )
    return match[1]


async def answered_once[R: BaseModel](
    profile: Profile, key: str, *, place: str, caller: str, body: BaseModel | None, make: Callable[[Once], Awaitable[R]]
) -> R:
    """Return what a call makes, or made when it came before.

    Args:
        profile: of the tenant.
        key: the caller's.
        place: the route with what it names.
        caller: who asks.
        body: of the call.
        make: makes it under the id that it gets, or returns it as it was made.

    Raises:
        KeyReusedError: the key came with another body.
        KeysFullError: too many keys are kept.
        LeaseBusyError: the same call is being answered, and takes long.
    """
    hashes, tenant = tables_of(profile).hashes, tenant_of(profile)
    used_id = hashes.of("idempotency", tenant, place, caller, key).hex()
    digest = hashlib.sha256(b"" if body is None else body.model_dump_json().encode()).hexdigest()
    keys = RecordStore(profile, UsedKey)
    async with one_step(profile, f"idempotency.{used_id}", wait_s=_WAIT_S):
        used, came_before = await _used(keys, used_id, digest)
        secret: bytes | None = None
        if len(key) >= SECRET_KEY_LENGTH:  # 6
            secret = b"".join(
                hashes.of("idempotency secret", half, tenant, place, caller, key, used.made_id) for half in "01"
            )
        try:
            made = await make(Once(used.made_id, used.is_done, came_before, secret))
        except WanderbuchError as err:
            if status_of(err) in _CLIENT_ERRORS and not used.is_done:
                await keys.remove(used_id)
            raise
        if not used.is_done:
            await keys.change(used_id, lambda record: record.model_copy(update={"is_done": True}))
        return made


async def _used(keys: RecordStore[UsedKey], used_id: str, digest: str) -> tuple[UsedKey, bool]:
    """Return the key as it is kept, and whether it came before."""
    used = await keys.get_or_none(used_id)
    if used is not None and used.created_at + KEPT_FOR <= utc_now():
        await keys.remove(used_id)
        used = None
    if used is None:
        if await keys.count() >= MOST_KEYS:
            raise KeysFullError(
                f"{MOST_KEYS} calls with {HEADER} within a day are as many as are kept",
                hint="send this one without it, or tomorrow",
            )
        fresh = UsedKey(id=used_id, digest=digest, made_id=new_id())
        try:
            return await keys.insert(fresh), False
        except DuplicateError:  # by a process that slept in its step
            used = await keys.get(used_id)
    if used.digest != digest:
        raise KeyReusedError(
            f"this {HEADER} came before, with another body",
            hint="take a new key for another call; to send the same call again, send the same body",
        )
    return used, True


async def forget_keys(profiles: Iterable[Profile], now: datetime) -> None:
    """Forget the keys whose day is over."""
    for profile in profiles:
        keys = RecordStore(profile, UsedKey)
        async with keys.claiming(now) as due:
            async for used in due:
                await keys.remove(used.id)
