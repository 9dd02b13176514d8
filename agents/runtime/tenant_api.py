"""The operator's REST API for tenants: `/v1/tenants`."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from pydantic import Field, ValidationError

from wanderbuch.agents.runtime.app import ApiModel, Call, Route, delete, get, post
from wanderbuch.agents.runtime.config_tables import GovernanceConfig
from wanderbuch.agents.runtime.problems import malformed
from wanderbuch.agents.runtime.tenant_desk import NewTenant, TenantDesk
from wanderbuch.agents.runtime.tenant_records import TenantRecord, TenantState


class GovernanceIn(ApiModel):
    """Whose word counts for a tenant."""

    url: str = Field(max_length=2048)
    author: str = Field(max_length=2048)


class TenantIn(ApiModel):
    """A tenant to be made. Without `host` it is on the process's host, without `path` its DID's path is its id."""

    id: str = Field(max_length=64)
    name: str = Field(min_length=1, max_length=200)
    roles: dict[str, dict[str, Any]] = Field(min_length=1, max_length=16)
    host: str | None = Field(default=None, max_length=253)
    path: str | None = Field(default=None, max_length=200)
    governance: GovernanceIn | None = None


class LimitsOut(ApiModel):
    """What a tenant may take now of what all share: with a `share` of 1 it is the only one that is served."""

    share: float
    messages_per_s: float | None
    kept_messages: int
    kept_bytes: int
    event_streams: int
    blob_bytes: int


class TenantOut(ApiModel):
    """A tenant; `app` is where its routes begin, `site` where its public files do."""

    id: str
    name: str
    state: TenantState
    roles: list[str]
    app: str
    site: str
    created_at: datetime
    limits: LimitsOut

    @classmethod
    def of(cls, record: TenantRecord, desk: TenantDesk) -> "TenantOut":
        """Return the tenant for the wire."""
        return cls(
            id=record.id,
            name=record.name,
            state=record.state,
            roles=sorted(record.roles),
            app=f"/v1/t/{record.id}",
            site=f"https://{record.host}/{record.path}",
            created_at=record.created_at,
            limits=LimitsOut.model_validate(asdict(desk.limits)),
        )


class NewTokenOut(ApiModel):
    """A tenant with its token, which is shown this once."""

    tenant: TenantOut
    token: str


class TenantsOut(ApiModel):
    """The tenants beside the default one, the oldest first."""

    items: list[TenantOut]


async def _every(desk: TenantDesk, _: Call[None]) -> TenantsOut:
    return TenantsOut(items=[TenantOut.of(tenant_record, desk) for tenant_record in await desk.every()])


async def _make(desk: TenantDesk, call: Call[TenantIn]) -> NewTokenOut:
    told = call.body
    record, token = await desk.make(
        NewTenant(
            id=told.id,
            name=told.name,
            roles=told.roles,
            host=told.host,
            path=told.path,
            governance=_governance(told.governance),
        )
    )
    return NewTokenOut(tenant=TenantOut.of(record, desk), token=token.get_secret_value())


def _governance(told: GovernanceIn | None) -> GovernanceConfig | None:
    if told is None:
        return None
    try:
        return GovernanceConfig(url=told.url, author=told.author)
    except ValidationError as err:
        raise malformed(err) from err


async def _show(desk: TenantDesk, call: Call[None]) -> TenantOut:
    return TenantOut.of(await desk.get(call.path["id"]), desk)


async def _suspend(desk: TenantDesk, call: Call[None]) -> TenantOut:
    return TenantOut.of(await desk.suspend(call.path["id"]), desk)


async def _resume(desk: TenantDesk, call: Call[None]) -> TenantOut:
    return TenantOut.of(await desk.resume(call.path["id"]), desk)


async def _renew(desk: TenantDesk, call: Call[None]) -> NewTokenOut:
    record, token = await desk.renew_token(call.path["id"])
    return NewTokenOut(tenant=TenantOut.of(record, desk), token=token.get_secret_value())


async def _remove(desk: TenantDesk, call: Call[None]) -> TenantOut:
    return TenantOut.of(await desk.remove(call.path["id"]), desk)


TENANT_ROUTES: Final[Sequence[Route]] = (
    get("", _every, result=TenantsOut, summary="List the tenants beside the default one, the oldest first"),
    post("", _make, body=TenantIn, result=NewTokenOut, status=201, summary="Make a tenant; its token is shown once"),
    get("/{id}", _show, result=TenantOut, summary="Show a tenant"),
    post("/{id}/suspend", _suspend, result=TenantOut, summary="Serve a tenant no more until it is resumed"),
    post("/{id}/resume", _resume, result=TenantOut, summary="Serve a suspended tenant again"),
    post("/{id}/token", _renew, result=NewTokenOut, summary="Give a tenant another token"),
    delete("/{id}", _remove, result=TenantOut, summary="Remove a tenant for good; what it published stays"),
)
