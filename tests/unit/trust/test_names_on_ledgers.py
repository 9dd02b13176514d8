"""An issuer on an Indy ledger counts by either name of its definition, where the ledger of old names is known."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import pytest
from tests.unit.trust.ecosystem import AUTHORITY, TYPE, WELDER, WELDER_VALUES, Authority, values
from tests.welders import accreditation, governance_file

from wanderbuch.governance.deciding.decision import decide
from wanderbuch.governance.facts.anoncreds_ids import CredDefId, RevRegDefId, SchemaId
from wanderbuch.governance.facts.indy import UNKNOWN_LEDGER, OldNames
from wanderbuch.governance.facts.question import Verdict
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.form.model import ACCREDITATION
from wanderbuch.governance.signed.freshness import FreshnessStatement, snapshot_of
from wanderbuch.plugins.trust.offer import ReceivedOffer, ResolvedDefinition, judge_offer
from wanderbuch.plugins.trust.verifying.anoncreds.presentation import (
    ReceivedPresentation,
    UnverifiedGroup,
    UnverifiedIdentifier,
)
from wanderbuch.plugins.trust.verifying.anoncreds.request import CompiledRequest, compile_request
from wanderbuch.plugins.trust.verifying.anoncreds.rules import Findings, Terms, check_identifiers, prove
from wanderbuch.plugins.trust.verifying.asked import ONLY_GROUP, AskedCredential, AwardPrecision
from wanderbuch.plugins.trust.verifying.proof import Proven

NYM = "V4SGRU86Z58d6TV7PBUe6f"
SOVRIN = OldNames("sovrin")
OLD = (f"{NYM}:2:qualification:1.0", f"{NYM}:3:CL:20:tag", f"{NYM}:4:{NYM}:3:CL:20:tag:CL_ACCUM:1")
_NEW = f"did:indy:sovrin:{NYM}/anoncreds/v0"
NEW = (f"{_NEW}/SCHEMA/qualification/1.0", f"{_NEW}/CLAIM_DEF/20/tag", f"{_NEW}/REV_REG_DEF/20/tag/1")
ELSEWHERE = (
    NEW[0].replace("sovrin", "indicio"),
    NEW[1].replace("sovrin", "indicio"),
    NEW[2].replace("sovrin", "indicio"),
)
LIST_TIME = 1_700_000_000

type Ids = tuple[str, str, str]


@pytest.fixture
def listing(authority: Authority, now: datetime) -> Callable[[Ids], Awaitable[GovernanceSnapshot]]:
    """Returns governance that lists the ids of an issuer."""

    async def made(ids: Ids) -> GovernanceSnapshot:
        did = CredDefId.parse(ids[1]).did
        entries = {ACCREDITATION: {did: {"accreditations": [accreditation([ids[1]])]}}}
        signed = await authority.file(governance_file(AUTHORITY, ids[0], entries))
        return snapshot_of(signed, FreshnessStatement.for_file(signed.ref, at=now, lifetime=timedelta(hours=1)))

    return made


def presented(ids: Ids, terms: Terms) -> ReceivedPresentation:
    identifier = UnverifiedIdentifier(
        SchemaId.parse(ids[0]), CredDefId.parse(ids[1]), RevRegDefId.parse(ids[2]), LIST_TIME
    )
    shown = {name: WELDER_VALUES[name] for name in terms.names}
    return ReceivedPresentation((identifier,), {"qualification": UnverifiedGroup(0, shown)}, {}, frozenset(), {})


def asked(snapshot: GovernanceSnapshot, now: datetime, old_names: OldNames) -> CompiledRequest:
    wanted = [AskedCredential(ONLY_GROUP, WELDER)]
    return compile_request(wanted, snapshot, at=now, answer_by=now, name="", nonce="1", old_names=old_names)


def terms_of(compiled: CompiledRequest, old_names: OldNames) -> Terms:
    (group,) = compiled.groups
    eligible = frozenset(map(CredDefId.parse, group.eligible))
    return Terms(WELDER, AwardPrecision.YEAR, group.names, eligible, frozenset(group.schemas), old_names)


@pytest.mark.parametrize("listed", [OLD, NEW], ids=["old listed", "new listed"])
@pytest.mark.parametrize("shown", [OLD, NEW], ids=["old shown", "new shown"])
@pytest.mark.parametrize("old_names", [SOVRIN, UNKNOWN_LEDGER], ids=["known", "unknown"])
async def test_what_is_listed_by_one_name_counts_by_the_other_where_the_ledger_is_known(
    listing: Callable[[Ids], Awaitable[GovernanceSnapshot]], now: datetime, listed: Ids, shown: Ids, old_names: OldNames
) -> None:
    snapshot = await listing(listed)
    compiled = asked(snapshot, now, old_names)
    restrictions = compiled.proof_request["requested_attributes"]["qualification"]["restrictions"]
    asked_for = {restriction["cred_def_id"] for restriction in restrictions}
    assert asked_for == set(old_names.of(listed[1]))
    terms = terms_of(compiled, old_names)
    received = presented(shown, terms)
    counts = listed == shown or old_names is SOVRIN
    assert (check_identifiers(received, [terms]) == ()) is counts
    (proven,) = prove(received, [terms], Findings(True, True, True, lists_in_force=(LIST_TIME,)), at=now)
    assert isinstance(proven, Proven) is counts
    if isinstance(proven, Proven):
        decision = decide(WELDER, proven.evidence, snapshot, at=now)
        assert decision.verdict is Verdict.TRUSTED, decision.reasons
        assert proven.evidence.issuer == CredDefId.parse(listed[1]).did
    offer = ReceivedOffer(SchemaId.parse(shown[0]), CredDefId.parse(shown[1]), values())
    definition = ResolvedDefinition(shown[0], TYPE.name, TYPE.version, TYPE.attr_names)
    judged = judge_offer(offer, definition, snapshot, at=now, old_names=old_names)
    assert (judged.verdict is Verdict.TRUSTED) is counts


async def test_the_same_on_another_ledger_never_counts(
    listing: Callable[[Ids], Awaitable[GovernanceSnapshot]], now: datetime
) -> None:
    snapshot = await listing(OLD)
    terms = terms_of(asked(snapshot, now, SOVRIN), SOVRIN)
    codes = {reason.code for reason in check_identifiers(presented(ELSEWHERE, terms), [terms])}
    assert codes == {"issuer.definition_not_accepted", "presentation.foreign_schema"}
