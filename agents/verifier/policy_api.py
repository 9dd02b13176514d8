"""The policy of a verifier over REST: show it, explain one, set it, take it away."""

from collections.abc import Sequence
from typing import Any, Final

from pydantic import Field

from wanderbuch.agents.people.rest import manager
from wanderbuch.agents.runtime.app import ApiModel, Call, Route, get, post, put
from wanderbuch.agents.site.languages import LanguageTag
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
    """A policy as it would be kept, and in plain words; nothing was changed."""

    document: PolicyDocument
    language: str
    rules: list[RuleOut]


async def _show(office: VerifierOffice, _: Call[None]) -> PolicyOut:
    return PolicyOut.of(await office.policy.get())


async def _set(office: VerifierOffice, call: Call[PolicyIn]) -> PolicyOut:
    policy = None if call.body.document is None else compiled(call.body.document)
    return PolicyOut.of(await office.policy.change(policy, read=call.body.revision, by=manager(call)))


async def _explain(_: VerifierOffice, call: Call[PolicyToExplain]) -> PolicyExplainedOut:
    policy, language = compiled(call.body.document), call.body.language
    rules = [
        RuleOut(rule=one.rule, text=one.text, is_dangerous=one.is_dangerous)
        for one in explained(policy, language=language)
    ]
    return PolicyExplainedOut(document=policy.document, language=language, rules=rules)


async def _schema(_: VerifierOffice, call: Call[Any]) -> SchemaOut:
    return SchemaOut(json_schema=policy_schema())


POLICY_ROUTES: Final[Sequence[Route]] = (
    get("/policy", _show, result=PolicyOut, summary="Show what questions of this verifier must be like"),
    put("/policy", _set, body=PolicyIn, result=PolicyOut, summary="Say what questions must be like, or take it away"),
    post(
        "/policy/explain",
        _explain,
        body=PolicyToExplain,
        result=PolicyExplainedOut,
        summary="Say in plain words what a policy forbids, without setting it",
    ),
    get("/policy/schema", _schema, result=SchemaOut, summary="Show the JSON schema of a policy"),
)
