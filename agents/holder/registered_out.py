"""What a verifier is registered to ask, as the wallet's REST API shows it."""

from wanderbuch.agents.holder.registered import Registered
from wanderbuch.agents.runtime.app import ApiModel
from wanderbuch.governance.facts.question import Purpose


class RegisteredUse(ApiModel):
    """One thing that the verifier is registered to ask.

    `aim` is what for, in its own words; `keeps_days` how long it keeps answers, null where it does not say; `redress`
    whom to complain to.
    """

    id: str
    aim: str | None
    credential_type: str
    attributes: list[str]
    predicates: list[str]
    purposes: list[Purpose]
    jurisdictions: list[str]
    keeps_days: int | None
    privacy_policy: str | None
    legal_basis: str
    redress: str


class BeyondOut(ApiModel):
    """Where what is asked of one credential goes beyond what is registered: all empty where it does not."""

    shown: list[str]
    bounds: list[str]
    purpose: Purpose | None
    credential_types: list[str]


class RegisteredOut(ApiModel):
    """What the authority's list says that this verifier may ask, in force now, to be shown beside what it asks."""

    uses: list[RegisteredUse]
    beyond: list[BeyondOut]
    is_within: bool

    @classmethod
    def of(cls, registered: Registered) -> "RegisteredOut":
        """Return it for the wire."""
        return cls(
            uses=[
                RegisteredUse(
                    id=one.id,
                    aim=one.aim,
                    credential_type=one.credential_type,
                    attributes=sorted(one.attributes),
                    predicates=sorted(one.predicates),
                    purposes=list(one.purposes),
                    jurisdictions=list(one.jurisdictions),
                    keeps_days=one.keeps_days,
                    privacy_policy=one.privacy_policy,
                    legal_basis=one.legal_basis,
                    redress=one.redress,
                )
                for one in registered.statements
            ],
            beyond=[
                BeyondOut(
                    shown=list(one.shown),
                    bounds=list(one.bounds),
                    purpose=one.purpose,
                    credential_types=list(one.credential_types),
                )
                for one in registered.beyond
            ],
            is_within=all(one.is_nothing for one in registered.beyond),
        )
