"""An authority's pages in one process: a real store, a real publication with real signatures, a clock that stands."""

import copy
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any, cast

from acapy_agent.core.profile import Profile
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.unit.trust.ecosystem import FileHost

from wanderbuch.agents.authority.desk import Desk
from wanderbuch.agents.authority.history import HistoryLog
from wanderbuch.agents.authority.intake.applications import Applications
from wanderbuch.agents.authority.intake.config import IntakeConfig
from wanderbuch.agents.authority.officials import OfficialRole
from wanderbuch.agents.authority.pages.desk import BASE, DeskParts
from wanderbuch.agents.authority.pages.desk_sessions import COOKIE, DeskSession
from wanderbuch.agents.authority.pages.facts import PublishedRegister
from wanderbuch.agents.authority.pages.mounting import desk_page_routes, register_routes
from wanderbuch.agents.authority.party_signing import PartySigning
from wanderbuch.agents.authority.publication import Publication
from wanderbuch.agents.authority.uploads import Uploads
from wanderbuch.agents.authority.versions import PublicationPlace
from wanderbuch.agents.people.desk_access import DeskAccess
from wanderbuch.agents.people.openid_provider import OpenIdProvider
from wanderbuch.agents.people.opening import open_sign_in
from wanderbuch.agents.runtime.gate.networks import Networks
from wanderbuch.agents.site.sessions import Sessions
from wanderbuch.agents.site.works import Works
from wanderbuch.errors import ResolutionError
from wanderbuch.governance.facts.identifiers import Did, DidUrl
from wanderbuch.governance.form.cte_model import DESCRIPTION
from wanderbuch.governance.form.model import ACCREDITATION, PROFILE_STATEMENTS
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.webvh.publisher import FolderPublisher
from wanderbuch.store.records import RecordStore
from wanderbuch.store.tables import hold_lease

FOLDER = "governance/sri-lanka"
URL = f"https://authority.wanderbuch.test/{FOLDER}"
NAME = "Training Authority of Sri Lanka (example)"
REDRESS = "https://authority.wanderbuch.test/appeals"
EXAMPLE = json.loads(resources.files("wanderbuch.governance.files").joinpath("sri-lanka.example.json").read_bytes())
AUTHORITY = Did.parse(EXAMPLE["author"])
WELDERS, HOTEL, GALLE, SHIPYARD = (
    next(Did.parse(did) for did in EXAMPLE["participants"]["entries"][DESCRIPTION] if f":{host}." in did)
    for host in ("centre", "kandy", "galle", "shipyard")
)
MALTA = Did.parse("did:webvh:QmExampMaLtaAuthority1111111111111111111111111:malta.wanderbuch.test:org")
KENYA = Did.parse("did:webvh:QmExampKenyaAuthority1111111111111111111111111:kenya.wanderbuch.test:org")
REFUSED = Did.parse("did:webvh:QmExampJaffnaCoLLege11111111111111111111111111:jaffna.wanderbuch.test:org")


class Key:
    """The authority's signing key, as its DID document has it now."""

    def __init__(self) -> None:
        self.is_reachable = True
        self.replace()

    def replace(self) -> None:
        self._private = Ed25519PrivateKey.generate()

    async def kid(self) -> DidUrl:
        return DidUrl.parse(f"{AUTHORITY}#key-1")

    async def sign(self, message: bytes) -> bytes:
        return self._private.sign(message)

    async def resolve(self, did_url: DidUrl) -> bytes:
        if not self.is_reachable:
            raise ResolutionError("the DID's host does not answer")
        assert did_url == await self.kid()
        return self._private.public_key().public_bytes_raw()


@dataclass
class Clock:
    now: datetime = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **parts: float) -> None:
        self.now += timedelta(**parts)


@dataclass
class Place:
    """What the pages read of an authority's office, over everything real but the sockets of an agent."""

    profile: Profile
    folder: Path
    key: Key = field(default_factory=Key)
    clock: Clock = field(default_factory=Clock)
    app_url: str | None = "https://desk.authority.wanderbuch.test"
    provider: OpenIdProvider | None = None
    four_eyes: bool = True
    hosts: FileHost = field(default_factory=FileHost)
    """Where other authorities' files lie, by the ends of their addresses."""
    others: dict[Did, Callable[[DidUrl], Awaitable[bytes]]] = field(default_factory=dict)
    """What gives the keys of other DIDs."""
    works: Works = field(default_factory=lambda: Works(patience_s=60))
    """What forms wait for is over before a busy machine is out of patience."""

    def __post_init__(self) -> None:
        files = FolderPublisher(self.folder)
        publication = Publication(
            PublicationPlace(author=AUTHORITY, folder=FOLDER, url=URL),
            profile=self.profile,
            publisher=files,
            key=self.key,
            history=HistoryLog(self.profile, publisher=files, folder=FOLDER, clock=self.clock),
            resolve_key=self.key.resolve,
            freshness_lifetime=timedelta(hours=1),
            reissue_every=timedelta(minutes=10),
            divide_above_bytes=1024 * 1024,
            clock=self.clock,
            lease=partial(hold_lease, self.profile),
        )

        async def rotate() -> None:
            raise AssertionError("no key is rotated here")

        self.desk = Desk(self.profile, publication, four_eyes=self.four_eyes, redress=REDRESS, rotate_key=rotate)
        self.publication = publication
        self.applications = Applications(self.profile, self.desk, IntakeConfig(enabled=True), clock=self.clock)
        self.register = PublishedRegister(publication)
        self.sign_in = open_sign_in(
            self.profile,
            self.desk.officials,
            url=self.app_url,
            site_name=NAME,
            clock=self.clock,
            provider=self.provider,
        )
        records = RecordStore(self.profile, DeskSession)
        sessions = Sessions(DeskSession, records, self.sign_in, cookie=COOKIE, clock=self.clock)
        officials = self.desk.officials
        self.parts = DeskParts(
            name=NAME,
            desk=self.desk,
            access=DeskAccess(BASE, officials, self.sign_in, sessions, Networks(())),
            register=self.register,
            applications=self.applications,
            uploads=Uploads(self.profile, self.desk, clock=self.clock),
            party_signing=PartySigning(
                self.profile,
                cast(HttpEdge, self.hosts),
                self.key,
                self.resolve_key,
                own_file=self.register.file,
                four_eyes=self.four_eyes,
                clock=self.clock,
            ),
            works=self.works,
        )

    async def resolve_key(self, did_url: DidUrl) -> bytes:
        """Return a key of ours, or of somebody else."""
        return await self.others.get(did_url.did, self.key.resolve)(did_url)

    async def publish(self, payload: dict[str, Any]) -> None:
        await self.publication.publish(payload)

    async def hire(self) -> dict[str, str]:
        """Add an editor and an approver; return their tokens by id."""
        editor, approver = {OfficialRole.EDITOR}, {OfficialRole.APPROVER}
        people = {"e.perera": ("Esha Perera", editor), "a.silva": ("Amal Silva", approver)}
        return {
            short: (await self.desk.officials.add(short, name=name, roles=roles))[1]
            for short, (name, roles) in people.items()
        }

    def application(self) -> web.Application:
        """Return both sites in one, so that one browser sees all."""
        app = web.Application()
        for route in (*register_routes(), *desk_page_routes()):
            _add(app, route.method, route.path, partial(route.handler, self))
        for route in register_routes():  # as the public site has them for a tenant that has no host of its own
            _add(app, route.method, f"/galle{route.path}", partial(route.handler, self))
        return app


def _add(app: web.Application, method: str, path: str, handler: Any) -> None:
    """Add a route as the sites of an agent do: who asks GET may ask HEAD."""
    if method == "GET":
        app.router.add_get(path, handler)
    else:
        app.router.add_route(method, path, handler)


def full_payload() -> dict[str, Any]:
    """Return the example ecosystem with every kind of statement, and enough centres for a second page."""
    payload: dict[str, Any] = copy.deepcopy(EXAMPLE)
    entries = payload["participants"]["entries"]
    payload["trusted_governance"] = [
        {"publisher": str(MALTA), "uri": "https://malta.wanderbuch.test/governance/malta/current.jws"},
        {"publisher": str(KENYA), "uri": "https://kenya.wanderbuch.test/governance/kenya/current.jws"},
    ]
    entries[DESCRIPTION] |= {
        str(MALTA): {"name": "Qualifications Agency of Malta and Gozo (example)"},
        str(KENYA): {"name": "Skills Board of Kenya (example)"},
        str(REFUSED): {"name": "Jaffna Building College (example)"},
    }
    entries[PROFILE_STATEMENTS + "recognition.json"] = {
        str(MALTA): {"recognitions": [_recognition("MOU-2025-1", onward=1)]},
        str(KENYA): {
            "recognitions": [
                _recognition(
                    "MOU-2019-7", intervals=[{"start": "2019-01-01", "end": "2023-12-31"}], occupations=["C51"]
                )
            ]
        },
    }
    entries[PROFILE_STATEMENTS + "regulation.json"] = {
        str(AUTHORITY): {
            "regulations": [
                {
                    "id": "REG-7411",
                    "occupations": ["C7411"],
                    "jurisdictions": ["LKA"],
                    "intervals": [{"start": "2010-01-01"}],
                    "competent_authority": "Electrical Safety Board of Sri Lanka (example)",
                    "decision": "https://authority.wanderbuch.test/law/electricity",
                    "redress": "https://authority.wanderbuch.test/appeals",
                }
            ]
        }
    }
    entries[PROFILE_STATEMENTS + "succession.json"] = {
        str(AUTHORITY): {
            "successions": [
                {
                    "id": "SUC-2026-1",
                    "centre": str(REFUSED),
                    "successor": str(GALLE),
                    "decided_on": "2026-06-30",
                    "decision": "https://authority.wanderbuch.test/decisions/SUC-2026-1",
                }
            ]
        }
    }
    entries[PROFILE_STATEMENTS + "programmes.json"] = {str(WELDERS): {"programmes": [_programme()]}}
    entries[PROFILE_STATEMENTS + "refusal.json"] = {
        str(REFUSED): {
            "refusals": [
                {
                    "id": "TA-2026-0400",
                    "occupations": ["C7112"],
                    "decided_on": "2026-06-30",
                    "decision": "https://authority.wanderbuch.test/decisions/TA-2026-0400",
                    "reason": "No workshop for practice yet.",
                    "redress": "https://authority.wanderbuch.test/appeals",
                }
            ]
        }
    }
    entries[PROFILE_STATEMENTS + "verification.json"] = {str(SHIPYARD): {"verifications": [_verification()]}}
    for number in range(1, 31):
        scid = "Qm" + f"ExampCentre{number:03}".replace("0", "z").ljust(44, "1")
        did = f"did:webvh:{scid}:c{number}.wanderbuch.test:org"
        entries[DESCRIPTION][did] = {"name": f"District Training Centre {number} (example)"}
        entries[ACCREDITATION][did] = {"accreditations": [_accreditation(f"TA-2021-{number:04}", did)]}
    return payload


def _accreditation(name: str, did: str) -> dict[str, Any]:
    return {
        "id": name,
        "title": "Building trades",
        "credential_types": ["qualification/1.0"],
        "sources": [f"anoncreds:{did}/resources/zQmCredDefCoLomboWeLding11111111111111111111111"],
        "occupations": ["C71"],
        "level_range": {"framework": "LK-NVQ", "min": "2", "max": "4"},
        "jurisdictions": ["LKA"],
        "intervals": [{"start": "2021-01-01", "end": "2028-12-31"}],
        "accreditingAgent": {"name": "Training Authority of Sri Lanka (example)", "did": str(AUTHORITY)},
        "decision": f"https://authority.wanderbuch.test/decisions/{name}",
        "redress": "https://authority.wanderbuch.test/appeals",
    }


def _recognition(name: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": name,
        "credential_types": ["qualification/1.0"],
        "occupations": ["C72", "C7411"],
        "excluded_occupations": ["C7213"],
        "level_range": {"framework": "EQF", "min": "2", "max": "5"},
        "purposes": ["employment", "study"],
        "jurisdictions": ["LKA"],
        "intervals": [{"start": "2025-01-01"}],
        "decision": f"https://authority.wanderbuch.test/agreements/{name}",
        "redress": "https://authority.wanderbuch.test/appeals",
        **changes,
    }


def _programme() -> dict[str, Any]:
    return {
        "id": "P-WELD-4",
        "accreditation": "TA-2018-0142",
        "title": "Arc welding of ships' plates",
        "occupation": "C7212",
        "framework": "LK-NVQ",
        "level": "4",
        "units": [
            {"id": "U-1", "title": "Prepare and hold the work"},
            {"id": "U-2", "title": "Weld in all positions", "level": "4"},
        ],
        "learning_settings": ["formal", "informal-rpl"],
        "intervals": [{"start": "2019-04-01", "end": "2020-12-31"}, {"start": "2022-07-01"}],
    }


def _verification() -> dict[str, Any]:
    return {
        "id": "V-2025-3",
        "credential_type": "qualification/1.0",
        "attributes": ["occupation_isco08", "award_year"],
        "predicates": [],
        "purposes": ["employment"],
        "jurisdictions": ["MLT"],
        "intervals": [{"start": "2025-01-01"}],
        "legal_basis": "https://authority.wanderbuch.test/law/hiring",
        "redress": "https://authority.wanderbuch.test/appeals",
    }
