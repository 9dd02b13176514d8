"""The holder: a person's wallet agent, with consent in every answer.

An ordinary ACA-Py plugin. The guard on its exchanges is `wanderbuch.plugins.trust.holding`; its REST API is in `api`.
"""

from acapy_agent.config.injection_context import InjectionContext

from wanderbuch.plugins.trust.holding import setup_holding


async def setup(context: InjectionContext) -> None:
    """Put the guard in front of ACA-Py's issue-credential 2.0 and present-proof 2.0."""
    from wanderbuch.agents.holder.telling import setup_telling

    await setup_holding(context)
    setup_telling(context)
