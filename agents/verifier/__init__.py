"""The verifier: asks for a qualification, judges the answer, and says why.

An ordinary ACA-Py plugin. The judgement is `wanderbuch.plugins.trust`; its REST API is in `api`.
"""

from acapy_agent.config.injection_context import InjectionContext


async def setup(context: InjectionContext) -> None:
    """Put the judging handlers in front of ACA-Py's present-proof 2.0; an office brings its desk (`role`)."""
    from wanderbuch.plugins.trust.verifier import take_over_messages

    take_over_messages(context)
