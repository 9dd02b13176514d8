"""Problem reports (Aries RFC 0035): how one side says that an exchange is over, and why, in words that may travel."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

from wanderbuch.plugins.exchange.packing import PREFIX

_CODE: Final = re.compile(r"[A-Za-z0-9._/-]{1,64}")
_MAX_TEXT: Final = 512


@dataclass(frozen=True, slots=True)
class ProblemReport:
    """What the other side said; unchecked words.

    Args:
        code: its own code, of harmless characters; "other" where it sent none, or another kind.
        text: in words, cut short; may be empty.
    """

    code: str
    text: str


def problem_report(
    kind: str, *, thread_id: str, code: str, text: str, parent_thread_id: str | None = None
) -> dict[str, Any]:
    """Return a problem report.

    Args:
        kind: of the protocol, without prefix: "issue-credential/2.0/problem-report".
        thread_id: of the exchange.
        code: for programs.
        text: for people, in English.
        parent_thread_id: the invitation, where the other side may not know the thread.
    """
    thread = {"thid": thread_id} | ({} if parent_thread_id is None else {"pthid": parent_thread_id})
    return {
        "@type": f"{PREFIX}{kind}",
        "@id": str(uuid4()),
        "~thread": thread,
        "description": {"code": code, "en": text},
    }


def read_report(members: Mapping[str, Any]) -> ProblemReport:
    """Return what a problem report says; whatever is not as it should be in it is left out."""
    description = members.get("description")
    described: Mapping[str, Any] = description if isinstance(description, dict) else {}
    code, text = described.get("code"), described.get("en")
    if not isinstance(text, str):
        text = next((value for name, value in described.items() if name != "code" and isinstance(value, str)), "")
    told = code if isinstance(code, str) and _CODE.fullmatch(code) else "other"
    return ProblemReport(told, "".join(letter for letter in text if letter.isprintable())[:_MAX_TEXT])
