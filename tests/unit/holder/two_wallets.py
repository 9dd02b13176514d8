"""One wallet on one PostgreSQL, as two processes have it open; both talk to the same issuer over one connection."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.unit.holder.offered import OfferedWallet


@dataclass
class TwoWallets[W: OfferedWallet]:
    """Two processes."""

    first: W
    second: W

    async def open(self) -> None:
        """Start both, and connect."""
        for wallet in (self.first, self.second):
            await wallet.start()
            wallet.place_tails()
        await self.first.connect()
        self.second.own_key = self.first.own_key

    async def at_once[T](self, call: Callable[[W], Awaitable[T]], number: int = 10) -> list[T | BaseException]:
        """Return what each of some calls at once gave, split over the two; an error is an answer."""
        both = (self.first, self.second)
        calls = (call(both[index % 2]) for index in range(number))
        answers = list(await asyncio.gather(*calls, return_exceptions=True))
        for wallet in both:
            await wallet.settled()
        return answers
