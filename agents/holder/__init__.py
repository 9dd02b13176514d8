"""The holder: a person's wallet agent, with consent in every answer.

Its messages are taken by handlers of ours (`offer_messages`, `request_messages`); its REST API is in `api`.
"""

from acapy_agent.config.injection_context import InjectionContext


async def setup(context: InjectionContext) -> None:
    """Bind what all wallets of a process share."""
    from wanderbuch.agents.holder.proving import Prover

    context.injector.bind_instance(Prover, Prover())
