"""The policy of a verifier over REST: show it, explain one, set it, take it away."""

from collections.abc import Sequence
from typing import Any, Final

from pydantic import Field

from wanderbuch.agents.people.rest import manager
from wanderbuch.agents.runtime.app import ApiModel, Call, Route, get, post, put
from wanderbuch.agents.site.languages import LanguageTag
from wanderbuch.agents.verifier.forbidden_links import ForbiddenLinks, forbidden_links
from wanderbuch.agents.verifier.office import VerifierOffice
from wanderbuch.agents.verifier.policies.document import PolicyDocument, PolicyRule, compiled, policy_schema
from wanderbuch.agents.verifier.policies.explaining import explained
from wanderbuch.agents.verifier.policies.keeping import KeptPolicy
from wanderbuch.agents.verifier.questions.models import SchemaOut


class PolicyOut(ApiModel):
    """The policy; `document` is null where there is none. `revision` is to be sent back with a change."""

    document: PolicyDocument | None
    revision: int

    @classmethod
    def of(cls, kept: KeptPolicy) -> "PolicyOut":
        """Return a policy for the wire."""
        return cls(document=kept.document, revision=kept.changes)


class ForbiddenLinksOut(ApiModel):
    """Open links that ask what a policy forbids; they stay open until somebody closes them.

    `ids` has the newest of them, at most 20. Of very many open links only the newest are compared; `is_all` is false
    then, and there may be more.
    """

    count: int
    ids: list[str]
    is_all: bool

    @classmethod
    def of(cls, forbidden: ForbiddenLinks | None) -> "ForbiddenLinksOut | None":
        """Return them for the wire."""
        if forbidden is None:
            return None
        return cls(count=forbidden.count, ids=[link.id for link in forbidden.named], is_all=forbidden.is_all)


class PolicySetOut(PolicyOut):
    """The policy as it is now; `open_links` is null where there is no governance file to read their questions with."""

    open_links: ForbiddenLinksOut | None


class PolicyIn(ApiModel):
    """A policy to set, null to take it away, and the revision that was read."""

    document: PolicyDocument | None
    revision: int = Field(ge=0)


class PolicyToExplain(ApiModel):
    """A policy to explain, and the language to explain it in."""

    document: PolicyDocument
    language: LanguageTag = "en"


class RuleOut(ApiModel):
    """A rule in plain words."""

    rule: PolicyRule
    text: str
    is_dangerous: bool


class PolicyExplainedOut(ApiModel):
    """A policy as it would be kept, in plain words, and the open links that ask what it forbids; nothing is changed."""

    document: PolicyDocument
    language: str
    rules: list[RuleOut]
    open_links: ForbiddenLinksOut | None


async def _show(office: VerifierOffice, _: Call[None]) -> PolicyOut:
    return PolicyOut.of(await office.policy.get())


async def _set(office: VerifierOffice, call: Call[PolicyIn]) -> PolicySetOut:
    policy = None if call.body.document is None else compiled(call.body.document)
    kept = await office.policy.change(policy, read=call.body.revision, by=manager(call))
    links = ForbiddenLinksOut.of(await forbidden_links(office, kept.policy))
    return PolicySetOut(document=kept.document, revision=kept.changes, open_links=links)


async def _explain(office: VerifierOffice, call: Call[PolicyToExplain]) -> PolicyExplainedOut:
    policy, language = compiled(call.body.document), call.body.language
    rules = [
        RuleOut(rule=one.rule, text=one.text, is_dangerous=one.is_dangerous)
        for one in explained(policy, language=language)
    ]
    links = ForbiddenLinksOut.of(await forbidden_links(office, policy))
    return PolicyExplainedOut(document=policy.document, language=language, rules=rules, open_links=links)


async def _schema(_: VerifierOffice, call: Call[Any]) -> SchemaOut:
    return SchemaOut(json_schema=policy_schema())


POLICY_ROUTES: Final[Sequence[Route]] = (
    get("/policy", _show, result=PolicyOut, summary="Show what questions of this verifier must be like"),
    put("/policy", _set, body=PolicyIn, result=PolicySetOut, summary="Set what questions must be like, or nothing"),
    post(
        "/policy/explain",
        _explain,
        body=PolicyToExplain,
        result=PolicyExplainedOut,
        summary="Say in plain words what a policy forbids, without setting it",
    ),
    get("/policy/schema", _schema, result=SchemaOut, summary="Show the JSON schema of a policy"),
)
