"""A town of agents for tests: an authority, issuers that sign whatever they are told, wallets, a mirror.

    town = Town(folder, holders=("worker",), liars=("liar",))
    await town.open()               # everybody runs, the governance file is published
    await town.people["worker"].get("/offers")

`centre` is accredited for welders, `school` for cooks. Both are rogue issuers, so that a test can make them offer what
no honest issuer's agent would; where they offer what they may, they are as good as honest. `academy`, if it is wanted,
is an honest issuer for welders, which can revoke.
"""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from wanderbuch.agents.machine import AgentHandle, LocalMachine
from wanderbuch.governance.model import ACCREDITATION, CROSSWALK, CTE_CONTEXT, DESCRIPTION, VERIFICATION

ECOSYSTEM = "lanka"
WELDER: dict[str, Any] = {
    "credential_id": "CWC-2024-0001",
    "family_name": "Perera",
    "given_names": "Nimal",
    "birth_date": "1995-03-12",
    "occupation_isco08": "C7212",
    "qualification_title": "National Certificate, Welder",
    "awarding_body": "Colombo Welding Centre",
    "framework": "LK-NVQ",
    "framework_level": "4",
    "learning_setting": "formal",
    "awarded_on": "2024-06-10",
    "country_of_award": "LKA",
}
LEVELS = {"eqf_level": 4, "crosswalk_version": "lk-nvq-2023"}


class Town:
    """Everybody on one machine."""

    def __init__(
        self,
        folder: Path,
        *,
        holders: Sequence[str] = (),
        liars: Sequence[str] = (),
        employers: Sequence[str] = (),
        academy: bool = False,
        mirror: bool = False,
        authority: Mapping[str, Any] | None = None,
    ) -> None:
        self.machine = LocalMachine(folder)
        self.authority = self.machine.add(
            "authority",
            "Authority of Lanka",
            "authority.wanderbuch.test",
            authority={"ecosystem": ECOSYSTEM, "four_eyes": False, **(authority or {})},
        )
        self.centre = self.rogue_issuer("centre")
        self.school = self.rogue_issuer("school")
        self.people = {name: self.machine.add("holder", name, f"{name}.wanderbuch.test") for name in holders}
        self.people |= {name: self._add("lying_wallet", name) for name in liars}
        self.people |= {name: self.machine.add("verifier", name, f"{name}.wanderbuch.test") for name in employers}
        self.academy = self.machine.add("issuer", "academy", "academy.wanderbuch.test") if academy else None
        self.mirror = self._mirror() if mirror else None
        self.did = ""
        self.schema_id = ""
        self.issuers: dict[str, dict[str, str]] = {}

    @property
    def governance(self) -> dict[str, object]:
        """The table of whoever follows the authority."""
        return {"url": f"{self.authority.public_url}/governance/{ECOSYSTEM}", "author": self.did}

    def rogue_issuer(self, name: str) -> AgentHandle:
        return self._add("rogue_issuer", name)

    def _mirror(self) -> AgentHandle:
        """Lay out a mirror of the authority."""
        handle = self._add("hostile_mirror", "mirror")
        certificate, key = handle.folder / "authority.crt", handle.folder / "authority.key"
        self.machine.authority.write_server(self.authority.host, certificate, key)
        handle.configure(
            hostile_mirror={
                "impersonates": self.authority.host,
                "upstream": self.authority.target,
                "certificate": str(certificate),
                "key": str(key),
            }
        )
        return handle

    async def open(self) -> None:
        """Start the authority and the issuers, publish the first governance file, then start everybody else.

        Where there is a mirror, everybody else meets it in the authority's place.
        """
        await self.authority.start()
        view = await self.authority.get("/identity")
        self.did, self.schema_id = view["did"], view["schemas"]["qualification/1.0"]
        for issuer in (self.centre, self.school):
            issuer.configure(rogue_issuer={"schema_id": self.schema_id, "registry_size": 16})
            await issuer.start()
            self.issuers[issuer.host] = await issuer.get("/standing")
        if self.academy:
            self.academy.configure(
                governance=self.governance, issuer={"schema_id": self.schema_id, "registry_size": 16}
            )
            await self.academy.start()
            self.issuers[self.academy.host] = await self._standing(self.academy)
        await self.publish(1)
        if self.academy:
            await self.academy.post("/governance/refresh")
        if self.mirror:
            await self.mirror.start()
            self.machine.reach(self.authority.host, self.mirror.target)
        for person in self.people.values():
            person.configure(governance=self.governance)
            await person.start()

    async def publish(
        self, version: int, *, without: AgentHandle | None = None, may_ask: Mapping[str, Any] | None = None
    ) -> None:
        """Publish a version of the governance file.

        Args:
            version: its number.
            without: an issuer that is not accredited any more.
            may_ask: by the DID of a verifier, what it may ask.
        """
        scopes = {self.centre.host: ["C72"], self.school.host: ["C512"]}
        if self.academy:
            scopes[self.academy.host] = ["C72", "C22"]
        if without:
            del scopes[without.host]
        payload = self._payload(version, scopes)
        if may_ask:
            payload["participants"]["entries"][VERIFICATION] = {
                did: {"verifications": [dict(each)]} for did, each in may_ask.items()
            }
        await self.authority.post("/versions", {"payload": payload})

    async def _standing(self, issuer: AgentHandle) -> dict[str, str]:
        """Wait until an honest issuer can sign, and return who it is."""
        async with asyncio.timeout(300):
            while not (standing := await issuer.get("/standing"))["registries"]:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        return {"did": standing["did"], "cred_def_id": standing["cred_def_id"]}

    def _payload(self, version: int, scopes: dict[str, list[str]]) -> dict[str, Any]:
        now = "2026-01-01T00:00:00Z"
        accreditations = {
            self.issuers[host]["did"]: {"accreditations": [self._accreditation(host, occupations)]}
            for host, occupations in scopes.items()
        }
        return {
            "@context": [CTE_CONTEXT],
            "id": "2f9b3a52-6a51-4f0b-9a63-3a6cbb6ef3a1",
            "name": "Skills",
            "version": version,
            "format": "1.0",
            "last_updated": now,
            "author": self.did,
            "schemas": [{"id": self.schema_id, "name": "qualification/1.0"}],
            "roles": {"issuer": {"issue": [self.schema_id]}},
            "participants": {
                "id": "participants-1",
                "author": self.did,
                "created": now,
                "version": version,
                "entries": {
                    DESCRIPTION: {each["did"]: {"name": host} for host, each in self.issuers.items()},
                    ACCREDITATION: accreditations,
                    CROSSWALK: {
                        self.did: {
                            "crosswalks": [
                                {
                                    "version": "lk-nvq-2023",
                                    "framework": "LK-NVQ",
                                    "valid_from": "2015-01-01",
                                    "levels": [{"level": str(n), "eqf": n} for n in range(1, 8)],
                                    "source": "an example",
                                }
                            ]
                        }
                    },
                },
            },
        }

    def _accreditation(self, host: str, occupations: list[str]) -> dict[str, Any]:
        return {
            "id": f"acc-{host}",
            "credential_types": ["qualification/1.0"],
            "cred_def_ids": [self.issuers[host]["cred_def_id"]],
            "occupations": occupations,
            "level_range": {"framework": "EQF", "min": "1", "max": "5"},
            "jurisdictions": ["MLT", "LKA"],
            "intervals": [{"start": "2020-01-01"}],
            "accreditingAgent": {"name": "Training Authority"},
            "decision": "https://authority.wanderbuch.test/decisions/1",
            "redress": "https://authority.wanderbuch.test/redress",
        }

    def _add(self, program: str, name: str) -> AgentHandle:
        command = (sys.executable, "-m", f"tests.abuse.{program}")
        return self.machine.add(program, name, f"{name}.wanderbuch.test", command=command)
