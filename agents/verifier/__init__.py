"""The verifier: asks for a qualification, judges the answer, and says why.

An ordinary ACA-Py plugin. The judgement is `wanderbuch.plugins.trust`; its REST API is in `api`.
"""

from datetime import timedelta

from acapy_agent.config.injection_context import InjectionContext


async def setup(context: InjectionContext) -> None:
    """Put the judging handlers in front of ACA-Py's present-proof 2.0, with this agent's limits."""
    from wanderbuch.agents.runtime.config import AgentConfig
    from wanderbuch.agents.verifier.config import VerifierConfig
    from wanderbuch.plugins.http.edge import HttpEdge
    from wanderbuch.plugins.http.replaying import FallbackEdge
    from wanderbuch.plugins.trust.source import GovernanceSource
    from wanderbuch.plugins.trust.verifier import DeskLimits, VerificationDesk, setup_verifying

    source, config = context.inject_or(GovernanceSource), context.inject_or(AgentConfig)
    if source is not None and config is not None:
        told = config.settings(VerifierConfig)
        limits = DeskLimits(
            judging=timedelta(seconds=told.judging_limit_s), keep_seen=timedelta(days=told.keep_seen_days)
        )
        edge = context.inject_or(HttpEdge)
        desk = VerificationDesk(source, limits=limits, recording=edge if isinstance(edge, FallbackEdge) else None)
        context.injector.bind_instance(VerificationDesk, desk)
    await setup_verifying(context)
