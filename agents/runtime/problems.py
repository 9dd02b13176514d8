"""Errors as RFC 9457 problem details: one table from `WanderbuchError.code` to the HTTP status."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from wanderbuch.errors import WanderbuchError

PROBLEM_TYPE = "application/problem+json"

STATUS_BY_CODE: Mapping[str, int] = {
    "configuration": 500,
    "resolution": 502,
    "credential": 422,
    "governance": 422,
    "presentation": 422,
    "exchange": 409,
    "identifier": 422,
    "refused": 409,
    "duplicate": 409,
    "not-found": 404,
    "malformed": 400,
    "json": 422,
    "unauthorized": 401,
    "forbidden": 403,
    "too-large": 413,
    "too-slow": 408,
    "too-many": 429,
    "check-in-refused": 409,
    "not-taken": 409,
    "wrong-media-type": 415,
    "wrong-method": 405,
    "not-ready": 503,
    "store": 503,
    "store-unreachable": 503,
    "lease-busy": 503,
    "lease-lost": 503,
    "cursor": 400,
    "revision-conflict": 409,
    "blobs-full": 507,
    "gone": 410,
    "erased": 410,
    "idempotency-key-reused": 422,
    "idempotency-keys-full": 429,
}
"""Status of each code; a code that is not here is 422. The neighbour classes in errors.py say what each means."""


class Mistake(BaseModel):
    """What in a body does not fit: where, and what was expected there."""

    where: str
    expected: str


class Problem(BaseModel):
    """RFC 9457 problem details, as every error of the REST API is answered.

    `code` is stable, `detail` says what was expected and what was found, `hint` what to do next. Some codes have
    further members: a body that does not fit has `mistakes`, a refusal by a rule has the `decision`.
    """

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int = Field(ge=400, le=599)
    code: str
    detail: str
    hint: str | None = None
    mistakes: list[Mistake] | None = None
    decision: dict[str, Any] | None = None


class RefusedError(WanderbuchError):
    """A rule refused the step; the members (a decision, say) tell why.

    Args:
        message: one plain sentence.
        members: further members of the problem details, ready for JSON; no secrets.
        hint: what the reader can do next.
    """

    code = "refused"

    def __init__(self, message: str, *, members: Mapping[str, Any] | None = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.members = dict(members or {})


class MalformedError(WanderbuchError):
    """The body or a parameter of a request does not fit the route."""

    code = "malformed"

    def __init__(self, message: str, *, members: Mapping[str, Any] | None = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.members = dict(members or {})


class UnauthorizedError(WanderbuchError):
    """The bearer token is missing or wrong."""

    code = "unauthorized"


class ForbiddenError(WanderbuchError):
    """The caller is known, but may not do this."""

    code = "forbidden"


class TooLargeError(WanderbuchError):
    """The body of a request is larger than allowed."""

    code = "too-large"


class TooSlowError(WanderbuchError):
    """The body of a request did not arrive in time."""

    code = "too-slow"


class NotReadyError(WanderbuchError):
    """The agent is starting or stopping."""

    code = "not-ready"


def malformed(err: ValidationError) -> MalformedError:
    """Return what is wrong with a body, without repeating any of its values."""
    mistakes = [
        {"where": ".".join(str(part) for part in mistake["loc"]), "expected": _expected(mistake)}
        for mistake in err.errors(include_input=False, include_url=False, include_context=False)
    ]
    listed = "; ".join(f"{mistake['where'] or 'body'}: {mistake['expected']}" for mistake in mistakes[:5])
    return MalformedError(f"the body does not fit: {listed}", members={"mistakes": mistakes})


def _expected(mistake: ErrorDetails) -> str:
    """Return what was expected, in pydantic's words but where those do not say what to do."""
    if mistake["type"] == "extra_forbidden":
        return "nothing of this name is known here: leave it out, or look for its name in /openapi.json"
    return mistake["msg"].removeprefix("Value error, ")


def status_of(err: WanderbuchError) -> int:
    """Return the HTTP status of an error."""
    for kind in type(err).__mro__:
        code = vars(kind).get("code")
        if isinstance(code, str) and code in STATUS_BY_CODE:
            return STATUS_BY_CODE[code]
    return 422


def title_of(code: str) -> str:
    """Return the title of a problem (RFC 9457, section 3.1.3): the last part of its code, as words."""
    return code.rpartition(".")[2].replace("-", " ").replace("_", " ").capitalize()


def problem_response(err: WanderbuchError) -> web.Response:
    """Return the answer that tells this error."""
    status = status_of(err)
    problem = Problem(
        type=f"urn:wanderbuch:problem:{err.code}",
        title=title_of(err.code),
        status=status,
        code=err.code,
        detail=err.message,
        hint=err.hint,
    )
    body = {**getattr(err, "members", {}), **problem.model_dump(exclude_none=True)}
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    return web.json_response(body, status=status, content_type=PROBLEM_TYPE, headers=headers)
