"""A town of agents for tests: an authority, issuers that sign whatever they are told, wallets, a mirror.

    town = Town(folder, holders=("worker",), liars=("liar",))
    await town.open()               # everybody runs, the governance file is published
    await town.people["worker"].get("/offers")

`centre` is accredited for welders, `school` for cooks. Both are rogue issuers, so that a test can make them offer what
no honest issuer's agent would; where they offer what they may, they are as good as honest. `academy`, if it is wanted,
is an honest issuer for welders, which can revoke. `phones` are wallets without an address, behind a mediator. `mill` is
one more rogue issuer, for whoever starts it: nobody accredits it. `late` is one more employer, for whoever starts it by
a clock of its own.
"""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.flow.webhook_receiver import HOST
from tests.prepared import start_prepared
from tests.welders import accreditation, governance_file

from wanderbuch.agents.machine import AgentHandle, LocalMachine
from wanderbuch.agents.machine.ports import free_port
from wanderbuch.governance.form.cte_model import DESCRIPTION
from wanderbuch.governance.form.model import ACCREDITATION, VERIFICATION

ECOSYSTEM = "lanka"


class Town:
    """Everybody on one machine."""

    def __init__(
        self,
        folder: Path,
        *,
        holders: Sequence[str] = (),
        phones: Sequence[str] = (),
        liars: Sequence[str] = (),
        employers: Sequence[str] = (),
        school: bool = True,
        academy: bool = False,
        mirror: bool = False,
        mill: bool = False,
        late: bool = False,
        registry_size: int = 16,
        authority: Mapping[str, Any] | None = None,
        machine: LocalMachine | None = None,
    ) -> None:
        self.machine = machine or LocalMachine(folder, start_child=start_prepared)
        self.authority = self.machine.add(
            "authority",
            "Authority of Lanka",
            "authority.wanderbuch.test",
            authority={"ecosystem": ECOSYSTEM, "four_eyes": False, **(authority or {})},
        )
        self.centre = self.rogue_issuer("centre")
        self._school = self.rogue_issuer("school") if school else None
        self.mediator = self.machine.add("mediator", "mediator", "mediator.wanderbuch.test") if phones else None
        self.people = {name: self.machine.add("holder", name, f"{name}.wanderbuch.test") for name in holders}
        for name in phones:
            self.people[name] = self.machine.add("holder", name, f"{name}.wanderbuch.test")
            self.people[name].configure(public=None, holder={"mediator": "https://mediator.wanderbuch.test/mediator"})
        self.people |= {name: self._add("lying_wallet", name) for name in liars}
        self.people |= {name: self.machine.add("verifier", name, f"{name}.wanderbuch.test") for name in employers}
        self.academy = self.machine.add("issuer", "academy", "academy.wanderbuch.test") if academy else None
        self.mirror = self._mirror() if mirror else None
        self.mill = self.rogue_issuer("mill") if mill else None
        self.late = self.machine.add("verifier", "late", "late.wanderbuch.test") if late else None
        self.hooks_port = free_port()
        """Where whoever runs a test may be a server of somebody's own, that everybody finds (`webhook_receiver`)."""
        self.machine.reach(HOST, f"127.0.0.1:{self.hooks_port}")
        self.did = ""
        self.schema_id = ""
        self.version = 0
        self._registry_size = registry_size
        self.issuers: dict[str, dict[str, str]] = {}

    @property
    def governance(self) -> dict[str, object]:
        """The table of whoever follows the authority."""
        return {"url": f"{self.authority.public_url}/governance/{ECOSYSTEM}", "author": self.did}

    @property
    def school(self) -> AgentHandle:
        assert self._school is not None
        return self._school

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
        for issuer in filter(None, (self.centre, self._school)):
            issuer.configure(rogue_issuer={"schema_id": self.schema_id, "registry_size": self._registry_size})
            await issuer.start()
            self.issuers[issuer.host] = await issuer.get("/standing")
        if self.academy:
            self.academy.configure(
                governance=self.governance, issuer={"schema_id": self.schema_id, "registry_size": self._registry_size}
            )
            await self.academy.start()
            self.issuers[self.academy.host] = await self._standing(self.academy)
        await self.publish()
        if self.academy:
            await self.academy.post("/governance/refresh")
        if self.mirror:
            await self.mirror.start()
            self.machine.reach(self.authority.host, self.mirror.target)
        if self.mediator:
            await self.mediator.start()
        for person in self.people.values():
            person.configure(governance=self.governance)
            await person.start()

    async def publish(
        self,
        *,
        without: AgentHandle | None = None,
        status: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
        may_ask: Mapping[str, Any] | None = None,
    ) -> None:
        """Publish the next version of the governance file.

        Args:
            without: an issuer that is not accredited any more.
            status: by the host of an issuer, what was decided of its accreditation since.
            may_ask: by the DID of a verifier, what it may ask.
        """
        scopes = {self.centre.host: ["C72"]}
        if self._school:
            scopes[self._school.host] = ["C512"]
        if self.academy:
            scopes[self.academy.host] = ["C72", "C22"]
        if without:
            del scopes[without.host]
        self.version += 1
        payload = self._payload(self.version, scopes, status or {})
        if may_ask:
            payload["participants"]["entries"][VERIFICATION] = {
                did: {"verifications": [dict(verification)]} for did, verification in may_ask.items()
            }
        await self.authority.post("/versions", {"payload": payload})

    async def look(self) -> None:
        """Have everybody honest fetch the newest version now."""
        honest = [person for person in self.people.values() if person.role in ("holder", "verifier")]
        await asyncio.gather(*(agent.post("/governance/refresh") for agent in (*honest, self.academy) if agent))

    async def _standing(self, issuer: AgentHandle) -> dict[str, str]:
        """Wait until an honest issuer can sign, and return who it is."""
        async with asyncio.timeout(300):
            while not (standing := await issuer.get("/standing"))["registries"]:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        return {"did": standing["did"], "cred_def_id": standing["cred_def_id"]}

    def _payload(
        self, version: int, scopes: dict[str, list[str]], status: Mapping[str, Sequence[Mapping[str, Any]]]
    ) -> dict[str, Any]:
        accreditations = {
            self.issuers[host]["did"]: {
                "accreditations": [self._accreditation(host, occupations) | {"status": list(status.get(host, ()))}]
            }
            for host, occupations in scopes.items()
        }
        entries = {
            DESCRIPTION: {issuer["did"]: {"name": host} for host, issuer in self.issuers.items()},
            ACCREDITATION: accreditations,
        }
        return governance_file(self.did, self.schema_id, entries, version=version, updated="2026-01-01T00:00:00Z")

    def _accreditation(self, host: str, occupations: list[str]) -> dict[str, Any]:
        return accreditation([self.issuers[host]["cred_def_id"]], id=f"acc-{host}", occupations=occupations)

    def _add(self, program: str, name: str) -> AgentHandle:
        command = (sys.executable, "-m", f"rogues.{program}")
        return self.machine.add(program, name, f"{name}.wanderbuch.test", command=command)
