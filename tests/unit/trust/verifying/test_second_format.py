"""The seam of formats: credentials of a second format, made up here, are read, verified and decided about.

A *tablet* is a list of claims that its issuer signs with Ed25519. It names its holder's key, and who shows it signs the
id of the question with that. All that is known of it is here: the table of sources has a line more, which is what a
file is read by, and the judge has another adapter. Nothing else of governance, of the decision or of the judgement
is told.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from tests.unit.trust.ecosystem import AUTHORITY, WELDER, Authority, FileHost, payload, webvh
from tests.welders import accreditation

from wanderbuch.errors import GovernanceError
from wanderbuch.governance.facts import sources
from wanderbuch.governance.facts.question import DateSpan, Evidence, Reason, Subject, Verdict
from wanderbuch.governance.facts.sources import Binding, SignedSource, SourceId
from wanderbuch.governance.facts.statuses import StatusId
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.trust.following.source import GovernanceSource, GovernanceSourceConfig
from wanderbuch.plugins.trust.verifying.asked import AwardPrecision
from wanderbuch.plugins.trust.verifying.exchange import Verification
from wanderbuch.plugins.trust.verifying.judgement import Judgement
from wanderbuch.plugins.trust.verifying.judging import Judge
from wanderbuch.plugins.trust.verifying.proof import Proven, Unproven

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
CENTRE, OTHERS = webvh("tablets"), webvh("others")
SOURCE = f"tablet:welders|{CENTRE}"
COOKS, UNLISTED = f"tablet:cooks|{CENTRE}", f"tablet:welders|{OTHERS}"
LIST = "statuslist:https://tablets.wanderbuch.test/status/1"


class TabletSource(SignedSource):
    """A kind of tablet, and who signs it."""

    __slots__ = ()

    prefix, what = "tablet:", "kind"


class ExaminedTablet:
    """A tablet whose signatures were looked at; see `proof.Examined`."""

    def __init__(self, claims: Mapping[str, Any], refused: Reason | None) -> None:
        self.claims = claims
        self.refused = refused

    def at(self, instant: datetime) -> Sequence[Proven | Unproven]:
        """See `proof.Examined`."""
        claims, expires_on = self.claims, date.fromisoformat(self.claims["expires_on"])
        if self.refused is not None:
            return (Unproven(Verdict.NOT_TRUSTED, (self.refused,)),)
        if expires_on < instant.date():
            return (Unproven(Verdict.NOT_TRUSTED, (Reason("credential.expired", "It expired."),)),)
        source = SourceId.parse(claims["source"])
        assert isinstance(source, TabletSource)
        owner = source.owner
        assert owner is not None
        evidence = Evidence(
            issuer=owner,
            source=source,
            credential_type="qualification/1.0",
            occupation=claims["occupation"],
            proven_eqf_level=claims["eqf_level"],
            framework="LK-NVQ",
            crosswalk_version="lk-nvq-2023",
            awarded=DateSpan.of_year(claims["year"]),
            expires_on=expires_on,
            status=StatusId.parse(LIST),
            binding=Binding.NONE if claims["holder"] is None else Binding.KEY,
        )
        return (Proven(evidence, {"family_name": claims["family_name"], "given_names": "Nimal"}, instant),)


@dataclass
class TabletFormat:
    """See `proof.CredentialFormat`."""

    keys: Mapping[str, Ed25519PublicKey]

    async def examine(
        self, profile: Any, asked: Verification, message: Mapping[str, object], *, at: datetime
    ) -> ExaminedTablet:
        """See `proof.CredentialFormat`."""
        body = str(message["tablet"]).encode()
        claims = json.loads(body)
        try:
            self.keys[claims["source"]].verify(_bytes(message["signature"]), body)
            if claims["holder"] is not None:
                holder = Ed25519PublicKey.from_public_bytes(_bytes(claims["holder"]))
                holder.verify(_bytes(message["shown"]), asked.id.encode())
        except InvalidSignature:
            return ExaminedTablet(claims, Reason("proof.invalid", "A signature does not hold."))
        return ExaminedTablet(claims, None)


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _bytes(text: object) -> bytes:
    return base64.b64decode(str(text), validate=True)


@dataclass
class Tablets:
    """A centre that signs tablets, a worker who has one, and an employer who reads them."""

    authority: Authority = field(default_factory=Authority)
    host: FileHost = field(default_factory=FileHost)
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    holder: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    def __post_init__(self) -> None:
        self.source = GovernanceSource(
            GovernanceSourceConfig(url="https://authority.wanderbuch.test/g", author=AUTHORITY),
            edge=cast(HttpEdge, self.host),
            resolve_key=self.authority.resolve_key,
            clock=lambda: NOW,
        )
        keys = dict.fromkeys((SOURCE, COOKS, UNLISTED), self.key.public_key())
        self.judge = Judge(self.source, recording=None, clock=lambda: NOW, reads=TabletFormat(keys))

    async def publish(self, *, version: int = 1, **changed: Any) -> None:
        """Publish a governance file that lists the centre's tablets."""
        listed = {CENTRE: [accreditation([], sources=[SOURCE], **changed)]}
        signed = await self.authority.file(payload(listed, version=version))
        self.host.files = {"current.jws": signed.jws, "freshness.jws": await self.authority.statement(signed, at=NOW)}
        await self.source.refresh()

    def shown(self, asked: Verification, *, by: Ed25519PrivateKey | None = None, **changed: Any) -> dict[str, str]:
        """Return what a worker shows, of a tablet with these claims."""
        claims = {
            "source": SOURCE,
            "occupation": "C7212",
            "eqf_level": 3,
            "year": 2024,
            "family_name": "Perera",
            "expires_on": "2030-01-01",
            "holder": _text(self.holder.public_key().public_bytes_raw()),
        } | changed
        body = json.dumps(claims)
        return {
            "tablet": body,
            "signature": _text((by or self.key).sign(body.encode())),
            "shown": _text(self.holder.sign(asked.id.encode())),
        }

    async def judged(self, asked: Verification, message: Mapping[str, object]) -> Judgement:
        return await self.judge.judge(cast(Any, None), asked, message, limit=timedelta(seconds=60))


def question(subject: Subject = Subject.NAME) -> Verification:
    return Verification(
        invitation_url="https://employer.wanderbuch.test/i",
        requirement=WELDER.__replace__(subject=subject),
        award_precision=AwardPrecision.YEAR,
        proof_request={},
        words=(),
        names=(),
        hidden=(),
        eligible=(),
        schemas=(),
        created_at=NOW,
        answer_by=NOW + timedelta(minutes=10),
    )


@pytest.fixture
async def tablets(monkeypatch: pytest.MonkeyPatch) -> Tablets:
    monkeypatch.setitem(sources._SOURCES, "tablet", TabletSource)
    made = Tablets()
    await made.publish()
    return made


async def test_a_tablet_counts_by_the_file_that_lists_its_source(tablets: Tablets) -> None:
    asked = question()
    judged = await tablets.judged(asked, tablets.shown(asked))
    assert judged.decision.verdict is Verdict.TRUSTED, judged.decision.reasons
    assert judged.presentation is not None
    assert (judged.presentation.evidence.source, judged.presentation.evidence.binding) == (SOURCE, Binding.KEY)
    assert judged.presentation.subject["family_name"] == "Perera"


async def test_what_differs_in_one_point_does_not(tablets: Tablets) -> None:
    asked = question()
    good, stranger = tablets.shown(asked), Ed25519PrivateKey.generate()
    refused = Verdict.NOT_TRUSTED
    cases: dict[str, tuple[Mapping[str, object], Verdict, str]] = {
        "signed by somebody else": (tablets.shown(asked, by=stranger), refused, "proof.invalid"),
        "changed": ({**good, "tablet": good["tablet"].replace("2024", "2023")}, refused, "proof.invalid"),
        "shown for another question": (tablets.shown(question()), refused, "proof.invalid"),
        "expired": (tablets.shown(asked, expires_on="2025-12-31"), refused, "credential.expired"),
        "another kind": (tablets.shown(asked, source=COOKS), refused, "cred_def.not_listed"),
        "not accredited": (tablets.shown(asked, source=UNLISTED), refused, "issuer.not_accredited"),
        "another occupation": (tablets.shown(asked, occupation="C5120"), refused, "requirement.occupation"),
        "bound to nobody": (tablets.shown(asked, holder=None), refused, "binding.not_allowed"),
        "no tablet at all": ({"presentations~attach": []}, Verdict.UNKNOWN, "judgement.failed"),
    }
    wrong = {}
    for case, (message, verdict, code) in cases.items():
        decision = (await tablets.judged(asked, message)).decision
        if (decision.verdict, decision.reasons[0].code) != (verdict, code):
            wrong[case] = decision
    assert not wrong


async def test_what_binds_nobody_counts_where_the_file_says_so_alone(tablets: Tablets) -> None:
    """Rule 3 knows bindings, not formats."""
    for bindings, verdict in ((["key"], Verdict.NOT_TRUSTED), (["key", "none"], Verdict.TRUSTED)):
        await tablets.publish(version=len(bindings) + 1, bindings=bindings)
        asked = question()
        judged = await tablets.judged(asked, tablets.shown(asked, holder=None))
        assert (bindings, judged.decision.verdict) == (bindings, verdict)


async def test_a_file_with_such_a_source_is_not_read_where_nobody_knows_the_format(
    tablets: Tablets, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table is one for everybody who reads files: a format is new to the file too, never to one reader alone."""
    monkeypatch.delitem(sources._SOURCES, "tablet")
    with pytest.raises(GovernanceError, match="expected a source"):
        await tablets.publish(version=2)
