"""How a tenant applies to its authority: an application, signed by its own DID, is sent, and its standing is asked.

What was sent is kept as it was signed, before it is sent: sent again after a crash or a lost answer it is the same one,
and the authority answers with how it stands. An answer to what was asked back is the next revision.
"""

import contextlib
from datetime import datetime
from typing import Any, ClassVar, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from wanderbuch.agents.runtime.problems import MalformedError, RefusedError
from wanderbuch.agents.runtime.tenant import Tenant
from wanderbuch.errors import ConfigurationError, ResolutionError, WanderbuchError
from wanderbuch.governance.form.formats import MAX_TEXT
from wanderbuch.governance.signed.application import (
    MAX_REVISIONS,
    Application,
    IssuerWants,
    VerifierWants,
    sign_application,
)
from wanderbuch.plugins.http.errors import StatusError
from wanderbuch.plugins.webvh.own import own_did
from wanderbuch.plugins.webvh.signing import key_id, sign_as
from wanderbuch.store.once import one_step
from wanderbuch.store.records import DuplicateError, Record, RecordStore, new_id
from wanderbuch.strict_json import StrictJsonError, read_strict_json
from wanderbuch.visible_text import visible

_PATH: Final = "/intake/applications"
_TIMEOUT_S: Final = 30.0
_MAX_BYTES: Final = 64 * 1024
_MAX_DEPTH: Final = 6
_MOST: Final = 20
_NEVER_TAKEN: Final = frozenset({400, 409, 422})
_EXPECTED: Final = {
    "name": "1 to 200 characters of plain text on one line",
    "country": "a country",
    "website": "an address that begins with https://",
    "email": "an address such as office@yard.example",
    "answer": f"1 to {MAX_TEXT} characters of plain text",
}


class AuthorityQuestion(BaseModel):
    """What the authority asked back."""

    model_config = ConfigDict(frozen=True)

    question: str = Field(max_length=4000)
    asked_at: datetime
    is_answered: bool


class ApplicationStanding(BaseModel):
    """How an application stands at the authority; its own word. Approved, it counts from `version` of the file on."""

    model_config = ConfigDict(frozen=True)

    id: str = Field(max_length=64)
    revision: int
    state: Literal["RECEIVED", "ASKED_BACK", "APPROVED", "REFUSED"]
    received_at: datetime
    decided_at: datetime | None
    waited_s: dict[str, int] = Field(max_length=8)
    questions: list[AuthorityQuestion] = Field(max_length=50)
    version: int | None = None
    reason: str | None = Field(default=None, max_length=4000)
    redress: str | None = Field(default=None, max_length=4000)


class NotAcceptedError(WanderbuchError):
    """The authority does not take an application; the message is its own word.

    Args:
        status: HTTP's.
    """

    code: ClassVar[str] = "not-taken"

    def __init__(self, message: str, *, status: int, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.status = status

    @classmethod
    def of(cls, status: int, body: bytes) -> "NotAcceptedError":
        """Return it as problem details say it."""
        detail, hint = "it gives no reason that can be read", None
        with contextlib.suppress(StrictJsonError):
            read = read_strict_json(body, max_bytes=_MAX_BYTES, max_depth=_MAX_DEPTH)
            if isinstance(read, dict):
                detail = _one_line(read.get("detail")) or detail
                hint = _one_line(read.get("hint"))
        return cls(f"the authority does not take it: {detail}", status=status, hint=hint)


def _one_line(text: object) -> str | None:
    if not isinstance(text, str):
        return None
    return " ".join(visible(text[:500]).split())


class UnfitApplicationError(MalformedError):
    """What was typed cannot stand in an application; the message names the fields, never what stood in them."""

    @classmethod
    def of(cls, err: ValidationError) -> "UnfitApplicationError":
        """Return it as the application's model says it."""
        told = err.errors(include_input=False, include_url=False, include_context=False)
        names = dict.fromkeys(str(mistake["loc"][0]) if mistake["loc"] else "application" for mistake in told)
        expected = {name: _EXPECTED.get(name, "what /openapi.json says of it") for name in names}
        return cls(
            "; ".join(f"expected {what} as {name}" for name, what in expected.items()),
            members={"mistakes": [{"where": name, "expected": what} for name, what in expected.items()]},
        )


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
    """Applies for one tenant, whatever it wants.

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

    @property
    def authority(self) -> str:
        """The DID of the authority."""
        return self._authority

    async def find(self, application_id: str) -> OwnApplication | None:
        """Return an application as it is kept; None: there is none."""
        return await self._records.get_or_none(application_id)

    async def apply(
        self, told: dict[str, Any], wants: VerifierWants | IssuerWants, *, application_id: str | None = None
    ) -> OwnApplication:
        """Make an application, and send it; one that is there already is sent again.

        Args:
            told: the members of `Application` that say who applies.
            wants: what it applies for.
            application_id: its id, as `new_id` makes them; by default a fresh one.

        Raises:
            RefusedError: there are too many already.
            UnfitApplicationError: something of it cannot stand in an application.
            NotAcceptedError: the authority does not take it, and says why.
            ResolutionError: the authority cannot be reached; it is kept, to be sent again.
        """
        if application_id is not None and await self.find(application_id) is not None:
            return await self.look(application_id)
        if await self._records.count() >= _MOST:
            raise RefusedError("there are too many applications of this tenant already")
        made = await self._signed(application_id, 1, told, wants)
        try:
            return await self._send(await self._records.insert(made))
        except DuplicateError:  # the same call, just now
            return await self.look(made.id)
        except NotAcceptedError as err:
            if err.status in _NEVER_TAKEN:  # sent again it would be refused again, and may spend a try
                await self._records.remove(made.id)
            raise

    async def answer(
        self,
        application_id: str,
        answer: str,
        wants: VerifierWants | IssuerWants | None,
        *,
        answered_by: str | None = None,
    ) -> OwnApplication:
        """Answer what the authority asked back, wanting something else if that is the answer; errors as with `apply`.

        The same answer once more, while nothing else is asked, is the one that was given: its reply may have been lost.

        Args:
            application_id: which.
            answer: in words; its lines become one.
            wants: what it applies for from now on; None: as before.
            answered_by: id of the call; the same call once more answers nothing that was asked after it.

        Raises:
            NotFoundError: there is no such application.
            RefusedError: nothing was asked.
        """
        answer = " ".join(answer.split())
        async with one_step(self._tenant.profile, f"own_application.{application_id}"):  # one answer, one revision
            own = await self.look(application_id)
            if answered_by is not None and own.answered_by == answered_by:
                return own
            is_asked = own.standing is not None and own.standing.state == "ASKED_BACK"
            if not is_asked and own.application.answer == answer and wants in (None, own.application.wants):
                return own
            if own.standing is None or own.standing.state != "ASKED_BACK":
                raise RefusedError("the authority has asked nothing that is not answered")
            if own.application.revision >= MAX_REVISIONS:
                raise RefusedError("this application was answered too often", hint="apply anew")
            told = own.application.model_dump(include={"name", "country", "website", "email"}) | {"answer": answer}
            revision = own.application.revision + 1
            made = await self._signed(own.id, revision, told, wants or own.application.wants)
            kept = {"standing": own.standing, "answered_by": answered_by}
            await self._records.change(own.id, lambda _: made.model_copy(update=kept))
            return await self._send(made)

    async def look(self, application_id: str) -> OwnApplication:
        """Return an application as it stands at the authority now; errors as with `apply`."""
        return await self._send(await self._records.get(application_id))

    async def _send(self, own: OwnApplication) -> OwnApplication:
        """Send an application as it is kept, and keep how it stands: what is there already is only told."""
        try:
            fetched = await self._tenant.edge.post(
                self._place,
                own.jws.encode(),
                content_type="application/jose",
                max_bytes=_MAX_BYTES,
                timeout_s=_TIMEOUT_S,
                hears_why=True,
            )
        except StatusError as err:
            if not err.body:
                raise
            raise NotAcceptedError.of(err.status, err.body) from err
        try:
            read = read_strict_json(fetched.body, max_bytes=_MAX_BYTES, max_depth=_MAX_DEPTH)
            standing = ApplicationStanding.model_validate(read)
        except (StrictJsonError, ValidationError) as err:
            raise ResolutionError(
                "the authority's answer to the application cannot be read", hint="it is kept: look at it again later"
            ) from err
        return await self._records.change(own.id, lambda kept: kept.model_copy(update={"standing": standing}))

    async def _signed(
        self, application_id: str | None, revision: int, told: dict[str, Any], wants: VerifierWants | IssuerWants
    ) -> OwnApplication:
        tenant = self._tenant
        own = await own_did(tenant.profile, tenant.did)
        if own is None:
            raise ConfigurationError(f"{tenant.did} is not a DID of this wallet")
        kid = key_id(own, own.assertion_keys[0])

        async def sign(message: bytes) -> bytes:
            return (await sign_as(tenant.profile, kid, message))[1]

        try:
            application = Application.model_validate(
                {
                    **told,
                    "id": application_id or new_id(),
                    "revision": revision,
                    "to": self._authority,
                    "made_at": tenant.clock(),
                    "wants": wants,
                }
            )
        except ValidationError as err:
            raise UnfitApplicationError.of(err) from None  # what was typed is for no log
        jws = await sign_application(application, kid=kid, sign=sign)
        return OwnApplication(id=application.id, application=application, jws=jws.decode("ascii"))
