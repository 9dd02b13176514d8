"""`compose.indy.yaml` over `compose.yaml`: an issuer on a real ledger of four nodes, from containers."""

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.containers.project import NET, OWNER, Project
from tests.pool.nodes import IndyPool
from tests.pool.place import Place
from tests.pool.trustee import Trustee, new_identity
from tests.pool.wallets import NAMESPACE

from wanderbuch.agents.runtime.secret_files import write_secret

pytestmark = [pytest.mark.agents, pytest.mark.pool, pytest.mark.needs("containers")]

DID = f"did:indy:{NAMESPACE}"
LEDGERS = {"ledgers": [{"namespace": NAMESPACE, "genesis_file": "/etc/indy/pool.txn"}]}


class ContainerPlace(Place):
    """Colombo in containers."""

    def __init__(self, project: Project, issuer_did: str) -> None:
        self.project = project
        self.issuer_did = issuer_did
        self.did = ""
        self.schema_ids: list[str] = []
        self.accredited: dict[str, str] = {}
        self.version = 0

    async def open_on(self, pool: IndyPool, seed: bytes) -> None:
        """Do as docs/indy.md says; the authority runs already."""
        project = self.project
        self.authority: Any = project.clients["authority"]
        view = await self.authority.get("/identity")
        self.did, self.schema_ids = view["did"], [view["schemas"]["qualification/1.0"]]
        await self.publish()
        ledger = project.folder / "indy"
        ledger.mkdir()
        shutil.copy(pool.genesis, ledger / "pool.txn")
        for path in (ledger, ledger / "pool.txn"):
            os.chown(path, OWNER, OWNER)
        followed = ("--governance-url", view["governance_url"], "--governance-author", self.did)
        issuing = {"registry_size": 8, "indy_did": self.issuer_did, "indy_seed_file": "indy.seed"}
        project.lay_out("issuer", *followed, indy=LEDGERS, issuer=issuing)
        write_secret(project.folder / "issuer" / "indy.seed", seed)
        os.chown(project.folder / "issuer" / "indy.seed", OWNER, OWNER)
        for role in ("holder", "verifier"):
            project.lay_out(role, *followed, indy=LEDGERS)
        await project.up("issuer", "holder", "verifier")
        self.centre: Any = project.clients["issuer"]
        self.worker: Any = project.clients["holder"]
        self.employer: Any = project.clients["verifier"]
        await self.accredit()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory, image: str) -> AsyncIterator[ContainerPlace]:
    """Four services, three of them with a ledger whose nodes listen where containers reach this machine."""
    project = Project(tmp_path_factory.mktemp("project"), image)
    project.files = (*project.files, project.folder / "compose.indy.yaml")
    pool: IndyPool | None = None
    try:
        project.lay_out("authority", "--ecosystem", "lanka", authority={"ecosystem": "lanka", "four_eyes": False})
        await project.up("authority")  # with the network
        pool = IndyPool(tmp_path_factory.mktemp("indy"), host=f"{NET}.1")
        pool.start()
        identity = new_identity()
        await Trustee(pool.genesis).register(identity)
        place = ContainerPlace(project, f"{DID}:{identity.did}")
        await place.open_on(pool, identity.seed)
        yield place
    finally:
        await project.close()
        if pool is not None:
            pool.stop()


@pytest.mark.asyncio(loop_scope="module")
async def test_what_is_issued_on_the_ledger_counts_until_it_is_revoked_there(place: ContainerPlace) -> None:
    assert (await place.standing())["cred_def_id"].startswith(place.issuer_did)
    issued, lost = await place.issue()
    _, kept = await place.issue()
    assert (await place.prove(lost))["verdict"] == "TRUSTED"
    assert (await place.centre.post(f"/credentials/{issued['id']}/revoke"))["published"]
    _, request = await place.asked()
    shown = await place.worker.get(f"/requests/{request}")
    fits = {credential["credential_id"]: credential["fits"] for credential in shown["credentials"]}
    assert (fits[lost], fits[kept]) == (False, True)
    assert (await place.prove(kept))["verdict"] == "TRUSTED"


def test_genesis_files_are_read_only(place: ContainerPlace) -> None:
    mounts = place.project.inspected("issuer")["Mounts"]
    (ledger,) = [mount for mount in mounts if mount["Destination"] == "/etc/indy"]
    assert not ledger["RW"]
    assert Path(ledger["Source"]).name == "indy"
