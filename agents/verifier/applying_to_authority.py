"""How a verifier applies to its authority: an application, signed by its own DID, is sent, and its standing is asked.

What was sent is kept as it was signed, before it is sent: sent again after a crash or a lost answer it is the same one,
and the authority answers with how it stands. An answer to what was asked back is the next revision.
"""

from datetime import datetime
from typing import Any, ClassVar, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from wanderbuch.agents.runtime.problems import RefusedError
from wanderbuch.agents.runtime.tenant import Tenant
from wanderbuch.errors import ConfigurationError, ResolutionError
from wanderbuch.governance.signed.application import (
    MAX_REVISIONS,
    Application,
    IntendedUse,
    VerifierWants,
    sign_application,
)
from wanderbuch.plugins.webvh.own import own_did
from wanderbuch.plugins.webvh.signing import key_id, sign_as
from wanderbuch.store.once import one_step
from wanderbuch.store.records import DuplicateError, Record, RecordStore, new_id
from wanderbuch.strict_json import StrictJsonError, read_strict_json

_PATH: Final = "/intake/applications"
_TIMEOUT_S: Final = 30.0
_MAX_BYTES: Final = 64 * 1024
_MAX_DEPTH: Final = 6
_MOST: Final = 20


class AuthorityQuestion(BaseModel):
    """What the authority asked back."""

    model_config = ConfigDict(frozen=True)

    question: str = Field(max_length=4000)
    asked_at: datetime
    is_answered: bool


class ApplicationStanding(BaseModel):
    """How an application stands at the authority; its own word."""

    model_config = ConfigDict(frozen=True)

    id: str = Field(max_length=64)
    revision: int
    state: Literal["RECEIVED", "ASKED_BACK", "APPROVED", "REFUSED"]
    received_at: datetime
    decided_at: datetime | None
    waited_s: dict[str, int] = Field(max_length=8)
    questions: list[AuthorityQuestion] = Field(max_length=50)
    reason: str | None = Field(default=None, max_length=4000)
    redress: str | None = Field(default=None, max_length=4000)


class OwnApplication(Record):
    """An application of ours; its id is the application's.

    Args:
        application: its newest revision.
        jws: the same as it was signed.
        standing: what the authority said last; None: it has not been reached yet.
        answered_by: id of the call that made this revision as an answer; None: it had no key.
    """

    category: ClassVar[str] = "wanderbuch.own_application"

    application: Application
    jws: str
    standing: ApplicationStanding | None = None
    answered_by: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether the authority has not decided yet, as far as we know."""
        return self.standing is None or self.standing.state in ("RECEIVED", "ASKED_BACK")


class OwnApplications:
    """Applies for one verifier.

    Args:
        tenant: whose.
        authority: the DID of the authority.
        url: where its governance file is.
    """

    def __init__(self, tenant: Tenant, *, authority: str, url: str) -> None:
        self._tenant = tenant
        self._authority = authority
        self._place = f"{url.partition('/governance/')[0]}{_PATH}"
        self._records = RecordStore(tenant.profile, OwnApplication)

    async def all(self) -> list[OwnApplication]:
        """Return the applications that were made, the oldest first."""
        return [application async for application in self._records.every()]

    async def find(self, application_id: str) -> OwnApplication | None:
        """Return an application as it is kept; None: there is none."""
        return await self._records.get_or_none(application_id)

    async def apply(
        self, told: dict[str, Any], uses: tuple[IntendedUse, ...], *, application_id: str | None = None
    ) -> OwnApplication:
        """Make an application, and send it; one that is there already is sent again.

        Args:
            told: the members of `Application` that say who applies.
            uses: what it asks for.
            application_id: its id, as `new_id` makes them; by default a fresh one.

        Raises:
            RefusedError: there are too many already.
            ResolutionError: the authority cannot be reached, or does not take it; it is kept, to be sent again.
        """
        if application_id is not None and await self.find(application_id) is not None:
            return await self.look(application_id)
        if await self._records.count() >= _MOST:
            raise RefusedError("there are too many applications of this tenant already")
        made = await self._signed(application_id, 1, told, uses)
        try:
            return await self._send(await self._records.insert(made))
        except DuplicateError:  # the same call, just now
            return await self.look(made.id)

    async def answer(
        self, application_id: str, answer: str, uses: tuple[IntendedUse, ...] | None, *, answered_by: str | None = None
    ) -> OwnApplication:
        """Answer what the authority asked back, with other uses if that is the answer; errors as with `apply`.

        The same answer once more, while nothing else is asked, is the one that was given: its reply may have been lost.

        Args:
            application_id: which.
            answer: in words.
            uses: what it asks for from now on; None: as before.
            answered_by: id of the call; the same call once more answers nothing that was asked after it.

        Raises:
            NotFoundError: there is no such application.
            RefusedError: nothing was asked.
        """
        async with one_step(self._tenant.profile, f"own_application.{application_id}"):  # one answer, one revision
            own = await self.look(application_id)
            if answered_by is not None and own.answered_by == answered_by:
                return own
            is_asked = own.standing is not None and own.standing.state == "ASKED_BACK"
            if not is_asked and own.application.answer == answer and uses in (None, own.application.wants.uses):
                return own
            if own.standing is None or own.standing.state != "ASKED_BACK":
                raise RefusedError("the authority has asked nothing that is not answered")
            if own.application.revision >= MAX_REVISIONS:
                raise RefusedError("this application was answered too often", hint="apply anew")
            told = own.application.model_dump(include={"name", "country", "website", "email"}) | {"answer": answer}
            revision = own.application.revision + 1
            made = await self._signed(own.id, revision, told, uses or own.application.wants.uses)
            kept = {"standing": own.standing, "answered_by": answered_by}
            await self._records.change(own.id, lambda _: made.model_copy(update=kept))
            return await self._send(made)

    async def look(self, application_id: str) -> OwnApplication:
        """Return an application as it stands at the authority now; errors as with `apply`."""
        return await self._send(await self._records.get(application_id))

    async def _send(self, own: OwnApplication) -> OwnApplication:
        """Send an application as it is kept, and keep how it stands: what is there already is only told."""
        fetched = await self._tenant.edge.post(
            self._place,
            own.jws.encode(),
            content_type="application/jose",
            max_bytes=_MAX_BYTES,
            timeout_s=_TIMEOUT_S,
        )
        try:
            read = read_strict_json(fetched.body, max_bytes=_MAX_BYTES, max_depth=_MAX_DEPTH)
            standing = ApplicationStanding.model_validate(read)
        except (StrictJsonError, ValidationError) as err:
            raise ResolutionError(
                "the authority's answer to the application cannot be read", hint="it is kept: look at it again later"
            ) from err
        return await self._records.change(own.id, lambda kept: kept.model_copy(update={"standing": standing}))

    async def _signed(
        self, application_id: str | None, revision: int, told: dict[str, Any], uses: tuple[IntendedUse, ...]
    ) -> OwnApplication:
        tenant = self._tenant
        own = await own_did(tenant.profile, tenant.did)
        if own is None:
            raise ConfigurationError(f"{tenant.did} is not a DID of this wallet")
        kid = key_id(own, own.assertion_keys[0])

        async def sign(message: bytes) -> bytes:
            return (await sign_as(tenant.profile, kid, message))[1]

        application = Application.model_validate(
            {
                **told,
                "id": application_id or new_id(),
                "revision": revision,
                "to": self._authority,
                "made_at": tenant.clock(),
                "wants": VerifierWants(uses=uses),
            }
        )
        jws = await sign_application(application, kid=kid, sign=sign)
        return OwnApplication(id=application.id, application=application, jws=jws.decode("ascii"))
