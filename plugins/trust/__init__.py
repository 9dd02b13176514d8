"""Trust enforced inside the agent: governance is fetched; offers, credentials and presentations are judged by it."""

from acapy_agent.config.injection_context import InjectionContext


async def setup(context: InjectionContext) -> None:
    """Set nothing up: the roles' own handlers judge. ACA-Py loads no plugin without this function."""
