"""What a tenant's event log can tell: a closed set of kinds, each with its subject and body.

An event says that a state is final, never what is in a credential: its subject is an id, its body holds ids, states,
numbers and flags of the fields that its kind has. Nothing else can be written: `Event` refuses it.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Final

type BodyValue = str | int | bool | None

_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/#?=&%~+-]{0,255}")
_MAX_NUMBER: Final = 2**53  # what every JSON reader keeps exact


class Field(Enum):
    """What a member of a body may be, where it is not one of a few states."""

    ID = "an id"
    NUMBER = "a number"
    FLAG = "true or false"


class EventKind(Enum):
    """What happened. `KINDS` says what stands in each."""

    OFFER_ENDED = "offer.ended"
    CREDENTIAL_ISSUED = "credential.issued"
    CREDENTIAL_ANSWERED = "credential.answered"
    CREDENTIAL_UNANSWERED = "credential.unanswered"
    CREDENTIAL_REVOKED = "credential.revoked"
    CREDENTIAL_ERASED = "credential.erased"
    REVOCATION_TOLD = "revocation.told"
    REVOCATION_UNANSWERED = "revocation.unanswered"
    BATCH_CHANGED = "batch.changed"
    BATCH_ROW_LOCKED = "batch.row-locked"
    FIGURES_PUBLISHED = "figures.published"
    REQUEST_DECIDED = "request.decided"
    REQUEST_ENDED = "request.ended"
    REQUEST_ERASED = "request.erased"
    LINK_FULL = "link.full"
    WALLET_CREDENTIAL_KEPT = "wallet.credential-kept"
    WALLET_OFFER_ENDED = "wallet.offer-ended"
    WALLET_REQUEST_ENDED = "wallet.request-ended"
    VERSION_PUBLISHED = "version.published"
    DRAFT_DECIDED = "draft.decided"
    TENANT_MADE = "tenant.made"
    TENANT_SUSPENDED = "tenant.suspended"
    TENANT_RESUMED = "tenant.resumed"
    TENANT_REMOVED = "tenant.removed"
    WEBHOOK_FAILED = "webhook.failed"
    WORK_ENDED = "work.ended"
    STORE_RESTORED = "store.restored"


@dataclass(frozen=True, slots=True)
class Told:
    """What an event of a kind tells.

    Args:
        text: what happened, for who integrates.
        subject: whose id the subject is.
        body: member -> what it may be; a tuple lists the states.
    """

    text: str
    subject: str
    body: Mapping[str, Field | tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))


KINDS: Final[Mapping[EventKind, Told]] = MappingProxyType(
    {
        EventKind.OFFER_ENDED: Told(
            "An offer ended without a credential.",
            "offer",
            {"state": ("DECLINED", "WITHDRAWN", "NO_ANSWER", "REFUSED")},
        ),
        EventKind.CREDENTIAL_ISSUED: Told("A credential was signed.", "offer", {"credential_type": Field.ID}),
        EventKind.CREDENTIAL_ANSWERED: Told(
            "The wallet said what it did with the credential.", "offer", {"receipt": ("KEPT", "REJECTED")}
        ),
        EventKind.CREDENTIAL_UNANSWERED: Told(
            "For a week nobody said anything of a credential: it is sent no more. The wallet may have it all the same.",
            "offer",
        ),
        EventKind.CREDENTIAL_REVOKED: Told("The status list that revokes a credential is public.", "offer"),
        EventKind.CREDENTIAL_ERASED: Told(
            "What was kept of a certificate's holder was erased: erase your copies, too. Number, place and end stay.",
            "offer",
        ),
        EventKind.REVOCATION_TOLD: Told("The wallet has the notice that its credential is revoked.", "offer"),
        EventKind.REVOCATION_UNANSWERED: Told(
            "For a week the wallet did not say that it has the notice of the revocation: it is sent no more. The "
            "wallet may have it all the same: Credo 0.6.3 never says so.",
            "offer",
        ),
        EventKind.BATCH_CHANGED: Told(
            "A batch of slips is ready, was started, paused, cancelled or handed over.",
            "batch",
            {"state": ("READY", "RUNNING", "PAUSED", "CANCELLED", "HANDED_OVER")},
        ),
        EventKind.BATCH_ROW_LOCKED: Told(
            "Nobody can claim a slip any more until it is unlocked: its fact or PIN was wrong five times, or too many "
            "offers were left.",
            "batch",
            {"row": Field.NUMBER},
        ),
        EventKind.FIGURES_PUBLISHED: Told(
            "The figures of a year or a month are published, and change no more.", "period"
        ),
        EventKind.REQUEST_DECIDED: Told(
            "A presentation was judged.",
            "request",
            {"verdict": ("TRUSTED", "NOT_TRUSTED", "UNKNOWN", "STALE")},
        ),
        EventKind.REQUEST_ENDED: Told(
            "A request ended without a presentation.", "request", {"state": ("DECLINED", "NO_ANSWER", "CANCELLED")}
        ),
        EventKind.REQUEST_ERASED: Told(
            "What was kept of an answer was erased, since its worker asked: erase your copies, too.",
            "request",
            {"is_kept": Field.FLAG},
        ),
        EventKind.LINK_FULL: Told(
            "Nobody more can begin by a link: look who has, and let more apply or close it.",
            "link",
            {"most": Field.NUMBER},
        ),
        EventKind.WALLET_CREDENTIAL_KEPT: Told("A credential is in the wallet.", "offer"),
        EventKind.WALLET_OFFER_ENDED: Told(
            "An offer to the wallet ended without a credential.",
            "offer",
            {"state": ("DECLINED", "REFUSED", "NO_ANSWER", "ENDED_BY_ISSUER")},
        ),
        EventKind.WALLET_REQUEST_ENDED: Told(
            "A proof request to the wallet ended.",
            "request",
            {"state": ("ACCEPTED", "ACKNOWLEDGED", "REFUSED_BY_VERIFIER", "DECLINED", "NO_ANSWER")},
        ),
        EventKind.VERSION_PUBLISHED: Told(
            "A version of the governance file is served as current.", "version", {"version": Field.NUMBER}
        ),
        EventKind.DRAFT_DECIDED: Told(
            "A draft was decided for good, or sent back.",
            "draft",
            {"state": ("PUBLISHED", "REJECTED", "OUTDATED", "DISCARDED")},
        ),
        EventKind.TENANT_MADE: Told("A tenant was made; in the operator's log.", "tenant"),
        EventKind.TENANT_SUSPENDED: Told("A tenant was suspended; in the operator's log.", "tenant"),
        EventKind.TENANT_RESUMED: Told("A suspended tenant works again; in the operator's log.", "tenant"),
        EventKind.TENANT_REMOVED: Told("A tenant was removed; in the operator's log.", "tenant"),
        EventKind.WEBHOOK_FAILED: Told("Deliveries to a webhook were given up; resume it.", "webhook"),
        EventKind.WORK_ENDED: Told(
            "Long work is done, or was given up.", "work", {"kind": Field.ID, "state": ("DONE", "FAILED")}
        ),
        EventKind.STORE_RESTORED: Told(
            "The store was restored from a backup: what was told after it may be undone. Look at the lists of the API.",
            "backup",
            {"after": Field.NUMBER},
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, as it is told; checked when it is made.

    Args:
        kind: what.
        subject: the id of what it happened to.
        body: ids, states, numbers, flags: what `KINDS` names, all of it.
        occasion: which time it is, where the same may happen to a subject more than once (a revision, say). An event
            of the same kind, subject and occasion is told once.

    Raises:
        ValueError: it holds anything else.
    """

    kind: EventKind
    subject: str
    body: Mapping[str, BodyValue] = field(default_factory=dict)
    occasion: str = ""

    def __post_init__(self) -> None:
        members = KINDS[self.kind].body
        if self.body.keys() != members.keys():
            raise ValueError(f"expected the members {sorted(members)} in {self.kind.value}, found {sorted(self.body)}")
        for name, allowed in members.items():
            if not _fits(self.body[name], allowed):
                raise ValueError(f"the member {name} of {self.kind.value} holds something else than {allowed}")
        if not _ID.fullmatch(self.subject) or (self.occasion and not _ID.fullmatch(self.occasion)):
            raise ValueError(f"the subject of {self.kind.value} is no id")

    @property
    def fact(self) -> str:
        """Return the name under which it is told once."""
        return f"{self.kind.value} {self.subject} {self.occasion}".rstrip()

    def text(self) -> str:
        """Return the body as JSON."""
        return json.dumps(dict(self.body), sort_keys=True, separators=(",", ":"))


def _fits(value: BodyValue, allowed: Field | tuple[str, ...]) -> bool:
    match allowed:
        case Field.ID:
            return isinstance(value, str) and _ID.fullmatch(value) is not None
        case Field.NUMBER:
            return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _MAX_NUMBER
        case Field.FLAG:
            return isinstance(value, bool)
        case _:
            return value in allowed
