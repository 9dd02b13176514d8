"""`POST /v1/sign-up`: an organisation makes itself a tenant; no token is needed."""

from collections.abc import Sequence
from typing import Final

from pydantic import Field

from wanderbuch.agents.runtime.app import ANYBODY, ApiModel, Call, Route, post
from wanderbuch.agents.runtime.sign_up import SignUp
from wanderbuch.store.records import NotFoundError


class SignUpIn(ApiModel):
    """What an organisation says of itself; nobody has checked it."""

    name: str = Field(min_length=1, max_length=120)


class SignedUpOut(ApiModel):
    """The new tenant: where its routes begin (`app`), where its public files lie, and its token, shown this once."""

    id: str
    name: str
    app: str
    site: str
    token: str
    goes_after_idle_days: int


async def _sign_up(sign_up: SignUp | None, call: Call[SignUpIn]) -> SignedUpOut:
    if sign_up is None:
        raise NotFoundError("nobody signs up here: it is switched off", hint="ask the operator of this service")
    record, token = await sign_up.make(call.body.name, network=call.caller.id)
    return SignedUpOut(
        id=record.id,
        name=record.name,
        app=f"/v1/t/{record.id}",
        site=f"https://{record.host}/{record.path}",
        token=token.get_secret_value(),
        goes_after_idle_days=sign_up.config.idle_days,
    )


SIGN_UP_ROUTES: Final[Sequence[Route]] = (
    post(
        "",
        _sign_up,
        body=SignUpIn,
        result=SignedUpOut,
        status=201,
        summary="Make a tenant for an organisation; its token is shown once",
        needs=ANYBODY,
    ),
)
