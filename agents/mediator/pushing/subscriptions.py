"""Where wallets are told that something waits: a row each, sealed like the rest; and the key that signs pushes.

1. A wallet has at most one subscription; a new one takes the place of the one before.
2. A wallet that was told is not told again until it has come, or until a further hour has begun: the row says no finer
   time, and it does so for all processes.
"""

import json
import time
from collections.abc import Collection, Sequence
from typing import ClassVar, Final

from acapy_agent.core.profile import Profile
from joserfc.jwk import ECKey
from pydantic import SecretStr, field_serializer

from wanderbuch.agents.mediator.pushing.message import Subscription, VapidKey
from wanderbuch.agents.mediator.sealing import Sealing
from wanderbuch.agents.mediator.wallets import HOUR_S
from wanderbuch.store.engine import Value
from wanderbuch.store.errors import DuplicateError
from wanderbuch.store.records import Record, RecordStore
from wanderbuch.store.tables import Tables

_NAME: Final = "key"
_WAITS: Final = (
    "EXISTS (SELECT 1 FROM mediated_message AS waits"
    " WHERE waits.tenant = mediated_push.tenant AND waits.wallet = mediated_push.wallet)"
)


class VapidRecord(Record):
    """The one record of the key by which push services know a mediator."""

    category: ClassVar[str] = "wanderbuch.mediator-push"
    is_listed: ClassVar[bool] = False

    key: SecretStr
    """A JWK of P-256."""

    @field_serializer("key", when_used="json")
    def _reveal(self, key: SecretStr) -> str:
        return key.get_secret_value()  # for Askar, which encrypts it


async def open_vapid_key(profile: Profile, *, contact: str) -> VapidKey:
    """Return the key by which push services know us; it is made if there is none, by one of all processes."""
    records = RecordStore(profile, VapidRecord)
    record = await records.get_or_none(_NAME)
    if record is None:
        made = json.dumps(ECKey.generate_key("P-256").as_dict(private=True))
        try:
            record = await records.insert(VapidRecord(id=_NAME, key=SecretStr(made)))
        except DuplicateError:  # another process was first; nobody knows ours
            record = await records.get(_NAME)
    return VapidKey(ECKey.import_key(json.loads(record.key.get_secret_value())), contact=contact)


class Subscriptions:
    """The subscriptions of one tenant's wallets.

    Args:
        tenant: whose.
        tables: where.
        sealing: for what stands there.
    """

    def __init__(self, tenant: str, tables: Tables, sealing: Sealing) -> None:
        self._tenant = tenant
        self._engine = tables.engine
        self._sealing = sealing

    async def put(self, wallet: str, subscription: Subscription) -> bool:
        """Note where a wallet is told (1); False: it has no mediation."""
        content = [subscription.endpoint, subscription.p256dh.hex(), subscription.auth.hex()]
        sealed = self._sealing.seal(json.dumps(content).encode(), place=_place(wallet))
        rows = await self._engine.run(
            "INSERT INTO mediated_push (tenant, wallet, told, sealed) SELECT tenant, id, 0, ? FROM mediated"
            " WHERE tenant = ? AND id = ? AND granted = 1"
            " ON CONFLICT (tenant, wallet) DO UPDATE SET told = 0, sealed = excluded.sealed RETURNING wallet",
            *(sealed, self._tenant, wallet),
        )
        return bool(rows)

    async def get(self, wallet: str) -> Subscription | None:
        """Return where a wallet is told; None: nowhere."""
        sql = "SELECT sealed FROM mediated_push WHERE tenant = ? AND wallet = ?"
        rows = await self._engine.run(sql, self._tenant, wallet)
        return self._opened(wallet, rows[0][0]) if rows else None

    async def remove(self, wallet: str, *, only: Subscription | None = None) -> None:
        """Tell a wallet no more; `only`: if that is where it is told still."""
        if only is not None and await self.get(wallet) != only:
            return
        await self._engine.run("DELETE FROM mediated_push WHERE tenant = ? AND wallet = ?", self._tenant, wallet)

    async def came(self, wallet: str) -> None:
        """Note that a wallet came: what comes from now on, it is to be told again (2)."""
        sql = "UPDATE mediated_push SET told = 0 WHERE tenant = ? AND wallet = ? AND told <> 0"
        await self._engine.run(sql, self._tenant, wallet)

    async def waiting(self, *, after: str, limit: int) -> Sequence[str]:
        """Return wallets that were told nothing of what waits for them, in the order of their names."""
        sql = (
            f"SELECT wallet FROM mediated_push WHERE tenant = ? AND wallet > ? AND told = 0 AND {_WAITS}"  # noqa: S608
            " ORDER BY wallet LIMIT ?"
        )
        return [wallet for (wallet,) in await self._engine.run(sql, self._tenant, after, limit)]

    async def take(self, wallets: Collection[str]) -> Sequence[tuple[str, Subscription]]:
        """Return who of these is to be told now, and where: it counts as told with that, for all processes (2)."""
        marks = ", ".join("?" * len(wallets))
        hour = int(time.time()) // HOUR_S
        args: list[Value] = [hour, self._tenant, *wallets, hour]
        rows = await self._engine.run(
            f"UPDATE mediated_push SET told = ? WHERE tenant = ? AND wallet IN ({marks}) AND told < ?"  # noqa: S608
            f" AND {_WAITS} RETURNING wallet, sealed",
            *args,
        )
        opened = [(wallet, self._opened(wallet, sealed)) for wallet, sealed in rows]
        return [(wallet, subscription) for wallet, subscription in opened if subscription is not None]

    def _opened(self, wallet: str, sealed: bytes) -> Subscription | None:
        content = self._sealing.open_row(bytes(sealed), place=_place(wallet))
        if content is None:
            return None
        endpoint, p256dh, auth = json.loads(content)
        return Subscription(endpoint, bytes.fromhex(p256dh), bytes.fromhex(auth))


def _place(wallet: str) -> str:
    return f"push {wallet}"
