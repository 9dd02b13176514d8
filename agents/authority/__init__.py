"""The authority: says who counts for what, signs it, and keeps it fresh.

An ordinary ACA-Py plugin; it handles no DIDComm message of its own.
"""

from acapy_agent.config.injection_context import InjectionContext


async def setup(context: InjectionContext) -> None:
    """Do nothing: an authority publishes; it has no part in a protocol."""
