"""A policy as a document: what this employer's questions may ask, whoever puts them; with its schema.

    {"places": ["Malta"], "purposes": ["employment"], "name": "never", "most_credentials": 2}

1. What is not said is what protects: a document that says nothing lets no withdrawn certificate pass. What does not
   protect is called `dangerously_…`, and explained as dangerous.
2. A document is compiled when it is saved: countries are found by name or code then, and kept as codes.
3. A question is compared as it was compiled, so the same holds for words, templates, links and the technical form.
4. A policy only ever forbids. What the authority does not let a verifier ask stays forbidden, whatever it says.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from wanderbuch.agents.runtime.app import ApiModel
from wanderbuch.governance.facts.question import Purpose, Subject
from wanderbuch.plugins.trust.verifying.asked import MAX_GROUPS, AskedCredential, AwardPrecision
from wanderbuch.plugins.trust.verifying.keeping import Keeping
from wanderbuch.schemas.country_names import find_country

SCHEMA_ID: Final = "https://w3id.org/wanderbuch/verifier/1.0/policy.json"

type _Place = Annotated[str, Field(min_length=1, max_length=200)]


class PolicyDocument(ApiModel):
    """A policy."""

    places: list[_Place] | None = Field(
        default=None, min_length=1, max_length=250, description="where issuers must count; null: anywhere"
    )
    purposes: list[Purpose] | None = Field(default=None, min_length=1, max_length=3, description="null: any")
    name: Literal["may_be_asked", "never", "always"] = "may_be_asked"
    birth_date: Literal["may_be_asked", "never"] = "may_be_asked"
    award_day: Literal["may_be_asked", "never"] = Field(
        default="may_be_asked", description="never: also not where an answer needs it"
    )
    keeping: Literal["where_a_law_asks", "never"] = "where_a_law_asks"
    most_credentials: int = Field(default=MAX_GROUPS, ge=1, le=MAX_GROUPS, description="in one question")
    revocation: Literal["must_be_valid", "dangerously_accept_revoked"] = "must_be_valid"
    alike: Literal["never", "dangerously_allowed"] = Field(
        default="never", description="two credentials of one kind in one question: one may be shown for both"
    )


class PolicyRule(Enum):
    """A rule of a policy, by the member that states it."""

    PLACES = "places"
    PURPOSES = "purposes"
    NAME = "name"
    BIRTH_DATE = "birth_date"
    AWARD_DAY = "award_day"
    KEEPING = "keeping"
    MOST_CREDENTIALS = "most_credentials"
    REVOCATION = "revocation"
    ALIKE = "alike"


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy as it was compiled.

    Args:
        document: with codes for the countries, in order.
    """

    document: PolicyDocument

    def broken_by(self, asked: Sequence[AskedCredential], keeping: Keeping | None) -> tuple[PolicyRule, ...]:
        """Return the rules that a question breaks, in their order.

        Args:
            asked: what must be proven, by credential.
            keeping: why and how long the answer is kept; None: it is not.
        """
        return tuple(self._broken_by(asked, keeping))

    def _broken_by(self, asked: Sequence[AskedCredential], keeping: Keeping | None) -> Iterator[PolicyRule]:
        told, wanted = self.document, [one.requirement for one in asked]
        subjects = {one.subject for one in wanted}
        if told.places is not None and any(one.jurisdiction not in told.places for one in wanted):
            yield PolicyRule.PLACES
        if told.purposes is not None and any(one.purpose not in told.purposes for one in wanted):
            yield PolicyRule.PURPOSES
        least = {one.subject if one.least_subject is None else one.least_subject for one in wanted}
        is_named, is_unnamed = subjects != {Subject.NONE}, Subject.NONE in least
        if (told.name == "never" and is_named) or (told.name == "always" and is_unnamed):
            yield PolicyRule.NAME
        if told.birth_date == "never" and Subject.NAME_AND_BIRTH_DATE in subjects:
            yield PolicyRule.BIRTH_DATE
        if told.award_day == "never" and any(one.award_precision is AwardPrecision.DAY for one in asked):
            yield PolicyRule.AWARD_DAY
        if told.keeping == "never" and keeping is not None:
            yield PolicyRule.KEEPING
        if len(asked) > told.most_credentials:
            yield PolicyRule.MOST_CREDENTIALS
        if told.revocation == "must_be_valid" and not all(one.not_revoked for one in wanted):
            yield PolicyRule.REVOCATION
        if told.alike == "never" and len({(one.credential_type, one.occupation) for one in wanted}) < len(asked):
            yield PolicyRule.ALIKE


def compiled(document: PolicyDocument) -> Policy:
    """Return a policy as it is kept (2).

    Raises:
        CredentialError: a country is not known, or may be several.
    """
    places = None if document.places is None else sorted({find_country(place) for place in document.places})
    purposes = None if document.purposes is None else sorted(set(document.purposes), key=lambda one: one.value)
    return Policy(document.model_copy(update={"places": places, "purposes": purposes}))


def policy_schema() -> dict[str, Any]:
    """Return the JSON schema of a policy."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        **PolicyDocument.model_json_schema(by_alias=True),
    }
