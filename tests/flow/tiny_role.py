"""The smallest roles: they say hello to each other over DIDComm. Run as `python -m tests.flow.tiny_role --config FILE`."""

from collections.abc import Sequence

from wanderbuch.agents.runtime.agent import RunningAgent
from wanderbuch.agents.runtime.app import ApiModel, Call, Route, get, post
from wanderbuch.agents.runtime.process import main
from wanderbuch.agents.runtime.role import Role


class Greeting(ApiModel):
    text: str


class TinyRole(Role):
    name = "tiny"
    has_public_did = False

    def routes(self, agent: RunningAgent) -> Sequence[Route]:
        async def show(call: Call[None]) -> Greeting:
            return Greeting(text=agent.config.name)

        async def greet(call: Call[Greeting]) -> Greeting:
            return call.body

        return (
            get("/greeting", show, result=Greeting, summary="Show"),
            post("/greeting", greet, body=Greeting, result=Greeting, summary="Greet"),
        )


ROLE = TinyRole()

if __name__ == "__main__":
    main(ROLE)
