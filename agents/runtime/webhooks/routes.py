"""`/v1/webhooks`: a tenant's webhooks. A secret is in two answers only: of who makes one, and of who replaces one."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from pydantic import Field

from wanderbuch.agents.runtime.app import ApiModel, Call, Route, delete, get, post
from wanderbuch.agents.runtime.webhooks.registry import Shown, Webhooks
from wanderbuch.store.event_kinds import EventKind
from wanderbuch.store.work import WorkState


class NewWebhook(ApiModel):
    """Where to send which events; without `kinds` all, without `after` what comes from now on."""

    url: str = Field(min_length=1, max_length=2048)
    kinds: tuple[EventKind, ...] = Field(default=(), max_length=64)
    after: int | None = Field(default=None, ge=0, lt=2**53)


class AttemptOut(ApiModel):
    """One attempt to deliver; `error` is null if it was taken."""

    number: int
    at: datetime
    ms: int
    status: int | None
    error: str | None


class WebhookOut(ApiModel):
    """A webhook.

    Everything up to the event `delivered_to` was delivered; `waiting` says how many numbers the log has beyond it.
    `missed` counts those that the log had pruned before. FAILED: given up, `error` says why; resume it.
    """

    id: str
    url: str
    kinds: Sequence[EventKind]
    state: WorkState
    delivered_to: int
    waiting: int
    missed: int
    failures: int
    failing_since: datetime | None
    error: str | None
    next_attempt: datetime | None
    recent: Sequence[AttemptOut]
    created_at: datetime


class WebhookWithSecret(WebhookOut):
    """A webhook and its new secret, which is never shown again."""

    secret: str


class WebhooksOut(ApiModel):
    """The webhooks of a tenant."""

    items: Sequence[WebhookOut]


async def _make(hooks: Webhooks, call: Call[NewWebhook]) -> WebhookWithSecret:
    told = call.body
    if call.once is not None and (made := await hooks.find(call.once.id)) is not None:
        return _with_secret(made)
    return _with_secret(await hooks.make(told.url, told.kinds, after=told.after, webhook_id=call.new_id))


async def _every(hooks: Webhooks, _: Call[None]) -> WebhooksOut:
    return WebhooksOut(items=[_out(webhook) for webhook in await hooks.every()])


async def _show(hooks: Webhooks, call: Call[None]) -> WebhookOut:
    return _out(await hooks.get(call.path["id"]))


async def _pause(hooks: Webhooks, call: Call[None]) -> WebhookOut:
    return _out(await hooks.pause(call.path["id"]))


async def _resume(hooks: Webhooks, call: Call[None]) -> WebhookOut:
    return _out(await hooks.resume(call.path["id"]))


async def _rotate(hooks: Webhooks, call: Call[None]) -> WebhookWithSecret:
    return _with_secret(await hooks.rotate(call.path["id"]))


async def _remove(hooks: Webhooks, call: Call[None]) -> WebhookOut:
    return _out(await hooks.remove(call.path["id"]))


def _out(shown: Shown) -> WebhookOut:
    return WebhookOut(**_members(shown))


def _with_secret(shown: Shown) -> WebhookWithSecret:
    return WebhookWithSecret(**_members(shown), secret=shown.webhook.secrets[-1].key)


def _members(shown: Shown) -> dict[str, object]:
    webhook, work, cursor = shown.webhook, shown.work, shown.cursor
    return {
        "id": webhook.id,
        "url": webhook.url,
        "kinds": webhook.kinds,
        "state": work.state,
        "delivered_to": work.done,
        "waiting": max((work.total or work.done) - work.done, 0),
        "missed": cursor.missed,
        "failures": work.failures,
        "failing_since": work.failing_since,
        "error": work.error,
        "next_attempt": work.due if work.state is WorkState.RUNNING and work.failures else None,
        "recent": [
            AttemptOut(number=attempt.number, at=attempt.at, ms=attempt.ms, status=attempt.status, error=attempt.error)
            for attempt in cursor.recent
        ],
        "created_at": webhook.created_at,
    }


WEBHOOK_ROUTES: Final[Sequence[Route]] = (
    post("", _make, body=NewWebhook, result=WebhookWithSecret, status=201, summary="Make a webhook", once=True),
    get("", _every, result=WebhooksOut, summary="List webhooks and where their deliveries stand"),
    get("/{id}", _show, result=WebhookOut, summary="Show a webhook and its last deliveries"),
    post("/{id}/pause", _pause, result=WebhookOut, summary="Send nothing more until it is resumed"),
    post("/{id}/resume", _resume, result=WebhookOut, summary="Go on where it stopped, also after it was given up"),
    post(
        "/{id}/secret", _rotate, result=WebhookWithSecret, summary="Replace the secret; the old one is good for a day"
    ),
    delete("/{id}", _remove, result=WebhookOut, summary="Remove a webhook"),
)
