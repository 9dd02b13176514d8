"""Trust enforced inside the agent: governance is fetched; offers, credentials and presentations are judged by it."""

from acapy_agent.config.injection_context import InjectionContext


async def setup(context: InjectionContext) -> None:
    """Put the judging handlers in place of ACA-Py's own; called once, after ACA-Py's protocols are registered."""
    # Imported here, so that a program that needs one module does not load all of ACA-Py's protocols.
    from wanderbuch.plugins.trust.holding import setup_holding
    from wanderbuch.plugins.trust.issuing import setup_issuing
    from wanderbuch.plugins.trust.verifier import setup_verifying

    await setup_holding(context)
    await setup_issuing(context)
    await setup_verifying(context)
