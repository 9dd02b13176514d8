"""The kept envelopes of an agent, as its wallet store has them."""

from wanderbuch.agents.runtime.agent import RunningAgent
from wanderbuch.agents.runtime.didcomm import KeptEnvelope
from wanderbuch.store.entries import fetch_entries


async def kept_by(agent: RunningAgent) -> list[KeptEnvelope]:
    """Return what an agent keeps, oldest first."""
    async with agent.profile.session() as session:
        entries = await fetch_entries(session, KeptEnvelope.category, order_by="id")
    return [KeptEnvelope.read(entry) for entry in entries]


async def leave_kept(agent: RunningAgent, envelope: str, *, attempts: int = 0) -> None:
    """Put an envelope into the store as a process that ended before it was done with it."""
    left = KeptEnvelope(envelope=envelope, attempts=attempts)
    async with agent.profile.session() as session:
        await session.handle.insert(KeptEnvelope.category, left.id, left.model_dump_json())
