"""Numbers that only grow: how a late owner is kept from overwriting what is newer.

    if await tables.numbers.advance("default/status-list/…", number):
        ...  # nobody has written this number or a greater one

Names begin with the tenant: `named(tenant, …)`.
"""

from wanderbuch.store.engine import Engine


def named(tenant: str, *parts: str) -> str:
    """Return a name of a number or a lease that belongs to a tenant and goes with it."""
    return "/".join((tenant, *parts))


class Numbers:
    """The greatest number written under each name."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def advance(self, name: str, number: int) -> bool:
        """Write a number if it is greater than what is there, and tell whether it was."""
        written = await self._engine.run(
            "INSERT INTO number (name, number) VALUES (?, ?)"
            " ON CONFLICT (name) DO UPDATE SET number = excluded.number WHERE number.number < excluded.number"
            " RETURNING number",
            name,
            number,
        )
        return bool(written)

    async def current(self, name: str) -> int | None:
        """Return the number under a name, or None."""
        rows = await self._engine.run("SELECT number FROM number WHERE name = ?", name)
        return rows[0][0] if rows else None

    async def remove(self, name: str) -> None:
        """Forget a name; only where nobody late can write it any more."""
        await self._engine.run("DELETE FROM number WHERE name = ?", name)
