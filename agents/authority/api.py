"""The authority's REST API: what it is, what it published, and publishing; with the desk's and the history's."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from pydantic import Field

from wanderbuch.agents.authority.desk import Desk
from wanderbuch.agents.authority.desk_api import EVERYBODY, desk_routes
from wanderbuch.agents.authority.history_api import history_routes
from wanderbuch.agents.authority.publication import PublishedVersion, VersionState
from wanderbuch.agents.runtime.app import ApiModel, Call, Route, get, post
from wanderbuch.agents.runtime.problems import NotReadyError, RefusedError
from wanderbuch.governance.freshness import FreshnessStatement
from wanderbuch.governance.identifiers import SchemaId


class FreshnessView(ApiModel):
    """The newest freshness statement."""

    version: int
    digest: str
    issued_at: datetime
    fresh_until: datetime


class VersionView(ApiModel):
    """One published version of the governance file."""

    version: int
    governance_id: str
    digest: str
    state: VersionState
    published_at: datetime | None
    url: str


class AuthorityView(ApiModel):
    """Who the authority is and what it publishes."""

    did: str
    name: str
    ecosystem: str
    governance_url: str
    schemas: dict[str, str]
    current: VersionView | None
    freshness: FreshnessView | None


class Versions(ApiModel):
    """All versions, the newest first."""

    items: list[VersionView]


class NewVersion(ApiModel):
    """A governance file to sign and publish."""

    payload: dict[str, Any]


class Reissue(ApiModel):
    """How to issue the freshness statement anew."""

    lifetime_s: int | None = Field(default=None, ge=1, le=7 * 24 * 3600)


class Authority:
    """What the routes work on."""

    def __init__(
        self,
        *,
        did: str,
        name: str,
        ecosystem: str,
        governance_url: str,
        desk: Desk,
        schema_ids: dict[str, SchemaId],
    ) -> None:
        self.did = did
        self.name = name
        self.ecosystem = ecosystem
        self.governance_url = governance_url
        self.desk = desk
        self.publication = desk.publication
        self.schema_ids = schema_ids

    async def view(self) -> AuthorityView:
        """Return who this is and what is current."""
        current, statement = await self.publication.current(), self.publication.statement
        return AuthorityView(
            did=self.did,
            name=self.name,
            ecosystem=self.ecosystem,
            governance_url=self.governance_url,
            schemas={kind: str(schema_id) for kind, schema_id in self.schema_ids.items()},
            current=self.version_view(current) if current else None,
            freshness=freshness_view(statement) if statement else None,
        )

    def version_view(self, version: PublishedVersion) -> VersionView:
        """Return a version as the API shows it."""
        return VersionView(
            version=version.version,
            governance_id=version.governance_id,
            digest=version.digest,
            state=version.state,
            published_at=version.published_at,
            url=f"{self.governance_url}/versions/{version.version}.jws",
        )


def freshness_view(statement: FreshnessStatement) -> FreshnessView:
    """Return a freshness statement as the API shows it."""
    return FreshnessView(
        version=statement.version, digest=statement.digest, issued_at=statement.iat, fresh_until=statement.exp
    )


def authority_routes(authority: Callable[[], Authority | None]) -> Sequence[Route]:
    """Return the authority's routes.

    Args:
        authority: what they work on; None before the role has started.
    """

    def started() -> Authority:
        if (found := authority()) is None:
            raise NotReadyError("the authority is starting")
        return found

    async def show(_: Call[None]) -> AuthorityView:
        return await started().view()

    async def every(_: Call[None]) -> Versions:
        held = started()
        return Versions(items=[held.version_view(each) for each in await held.publication.versions()])

    async def publish(call: Call[NewVersion]) -> VersionView:
        held = started()
        if held.desk.four_eyes:
            raise RefusedError(
                "every version needs an editor and an approver here", hint="open a draft, or set four_eyes = false"
            )
        version, _ = await held.publication.publish(call.body.payload)
        return held.version_view(version)

    async def reissue(call: Call[Reissue]) -> FreshnessView:
        lifetime = timedelta(seconds=call.body.lifetime_s) if call.body.lifetime_s else None
        statement = await started().publication.reissue(lifetime=lifetime)
        if statement is None:
            raise RefusedError("there is no governance file yet", hint="publish a first version")
        return freshness_view(statement)

    return (
        get(
            "/authority",
            show,
            result=AuthorityView,
            summary="Show the authority, its schemas and the current version",
            needs=EVERYBODY,
        ),
        get("/versions", every, result=Versions, summary="List all published versions", needs=EVERYBODY),
        post(
            "/versions", publish, body=NewVersion, result=VersionView, status=201, summary="Sign and publish a version"
        ),
        post(
            "/freshness/reissue",
            reissue,
            body=Reissue,
            result=FreshnessView,
            summary="Issue the freshness statement anew",
        ),
        *desk_routes(lambda: started().desk),
        *history_routes(lambda: started().desk.history),
    )
