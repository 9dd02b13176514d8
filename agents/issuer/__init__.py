"""The issuer: offers, signs and revokes qualifications, within what the authority lets it attest.

An ordinary ACA-Py plugin. The guard on its exchanges is `wanderbuch.plugins.trust.issuing`; its REST API and its start
are in `role`.
"""

from acapy_agent.config.injection_context import InjectionContext

from wanderbuch.plugins.trust.issuing import setup_issuing


async def setup(context: InjectionContext) -> None:
    """Put the guard in front of ACA-Py's issue-credential 2.0."""
    await setup_issuing(context)
