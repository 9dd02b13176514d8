"""The authority's REST API: what it is, what it published, and publishing; with the desk's and the history's."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from pydantic import Field

from wanderbuch.agents.authority.application_api import APPLICATION_ROUTES
from wanderbuch.agents.authority.desk_api import DESK_ROUTES, EVERYBODY
from wanderbuch.agents.authority.history_api import HISTORY_ROUTES
from wanderbuch.agents.authority.invitation_api import INVITATION_ROUTES
from wanderbuch.agents.authority.publication import PublishedVersion, VersionState
from wanderbuch.agents.authority.witnesses import WITNESS_ROUTES
from wanderbuch.agents.runtime.app import ApiModel, Call, Route, get, post
from wanderbuch.agents.runtime.problems import RefusedError
from wanderbuch.governance.signed.freshness import FreshnessStatement

if TYPE_CHECKING:
    from wanderbuch.agents.authority.office import AuthorityOffice


class FreshnessOut(ApiModel):
    """The newest freshness statement."""

    version: int
    digest: str
    issued_at: datetime
    fresh_until: datetime


class VersionOut(ApiModel):
    """One published version of the governance file."""

    version: int
    governance_id: str
    digest: str
    state: VersionState
    published_at: datetime | None
    url: str


class AuthorityOut(ApiModel):
    """Who the authority is and what it publishes."""

    did: str
    name: str
    ecosystem: str
    governance_url: str
    schemas: dict[str, str]
    current: VersionOut | None
    freshness: FreshnessOut | None


class Versions(ApiModel):
    """All versions, the newest first."""

    items: list[VersionOut]


class NewVersion(ApiModel):
    """A governance file to sign and publish."""

    payload: dict[str, Any]


class Reissue(ApiModel):
    """How to issue the freshness statement anew."""

    lifetime_s: int | None = Field(default=None, ge=1, le=7 * 24 * 3600)


def freshness_view(statement: FreshnessStatement) -> FreshnessOut:
    """Return a freshness statement as the API shows it."""
    return FreshnessOut(
        version=statement.version, digest=statement.digest, issued_at=statement.iat, fresh_until=statement.exp
    )


def version_view(office: "AuthorityOffice", version: PublishedVersion) -> VersionOut:
    """Return a version as the API shows it."""
    return VersionOut(
        version=version.version,
        governance_id=version.governance_id,
        digest=version.digest,
        state=version.state,
        published_at=version.published_at,
        url=f"{office.governance_url}/versions/{version.version}.jws",
    )


async def _show(office: "AuthorityOffice", _: Call[None]) -> AuthorityOut:
    current, statement = await office.publication.current(), office.publication.statement
    return AuthorityOut(
        did=office.tenant.did,
        name=office.tenant.name,
        ecosystem=office.ecosystem,
        governance_url=office.governance_url,
        schemas={kind: str(schema_id) for kind, schema_id in office.schema_ids.items()},
        current=version_view(office, current) if current else None,
        freshness=freshness_view(statement) if statement else None,
    )


async def _versions(office: "AuthorityOffice", _: Call[None]) -> Versions:
    return Versions(items=[version_view(office, version) for version in await office.publication.versions()])


async def _publish(office: "AuthorityOffice", call: Call[NewVersion]) -> VersionOut:
    if office.desk.four_eyes:
        raise RefusedError(
            "every version needs an editor and an approver here", hint="open a draft, or set four_eyes = false"
        )
    version, _ = await office.publication.publish(call.body.payload)
    return version_view(office, version)


async def _reissue(office: "AuthorityOffice", call: Call[Reissue]) -> FreshnessOut:
    lifetime = timedelta(seconds=call.body.lifetime_s) if call.body.lifetime_s else None
    statement = await office.publication.reissue(lifetime=lifetime)
    if statement is None:
        raise RefusedError("there is no governance file yet", hint="publish a first version")
    return freshness_view(statement)


AUTHORITY_ROUTES: Final[Sequence[Route]] = (
    get(
        "/identity",
        _show,
        result=AuthorityOut,
        summary="Show the authority, its schemas and the current version",
        needs=EVERYBODY,
    ),
    get("/versions", _versions, result=Versions, summary="List all published versions", needs=EVERYBODY),
    post("/versions", _publish, body=NewVersion, result=VersionOut, status=201, summary="Sign and publish a version"),
    post(
        "/freshness/reissue",
        _reissue,
        body=Reissue,
        result=FreshnessOut,
        summary="Issue the freshness statement anew",
    ),
    *DESK_ROUTES,
    *APPLICATION_ROUTES,
    *INVITATION_ROUTES,
    *HISTORY_ROUTES,
    *WITNESS_ROUTES,
)
