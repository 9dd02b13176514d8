"""Agents of tests start from a prepared process, one for all workers, and their issuers have keys that are kept."""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

import pytest

from wanderbuch.agents.demo.stage import ROGUES
from wanderbuch.agents.machine.prepared import AGENTS, PreparedStart

COMMANDS: Final = ("typer.main", *(f"wanderbuch.agents.cli.{name}" for name in ("tenant", "backup.restoring")))
"""What the commands import that tests run beside agents (`running`)."""

ACAPY: Final = tuple(
    f"acapy_agent.{name}"
    for name in (
        "anoncreds.default.did_web.registry",
        "anoncreds.default.legacy_indy.registry",
        "anoncreds.routes",
        "connections.routes",
        "did.indy.routes",
        "holder.routes",
        "ledger.routes",
        "messaging.jsonld.routes",
        "multitenant.admin.routes",
        *(f"protocols.{name}.definition" for name in ("discovery", "notification", "problem_report", "routing")),
        "protocols.coordinate_mediation.v1_0.controller",
        "protocols.coordinate_mediation.v1_0.routes",
        "protocols.did_rotate.v1_0.routes",
        "protocols.didexchange.v1_0.routes",
        "protocols.discovery.v1_0.routes",
        "protocols.discovery.v2_0.routes",
        "protocols.issue_credential.v2_0.controller",
        "protocols.issue_credential.v2_0.routes",
        "protocols.out_of_band.v1_0.controller",
        "protocols.out_of_band.v1_0.routes",
        "protocols.present_proof.v2_0.controller",
        "protocols.present_proof.v2_0.routes",
        "protocols.revocation_notification.v1_0.routes",
        "protocols.revocation_notification.v2_0.routes",
        "protocols.routing.v1_0.messages.forward",
        "protocols.trustping.v1_0.routes",
        *(f"resolver.default.{name}" for name in ("jwk", "key", "legacy_peer", "peer1", "peer2", "peer3", "peer4")),
        "resolver.routes",
        "settings.routes",
        "transport.pack_format",
        "vc.data_integrity.routes",
        "vc.routes",
        "wallet.keys.routes",
        "wallet.routes",
    )
)
"""What ACA-Py imports by its name while an agent starts: half of what a start of a forked agent would take."""

start_prepared: Final = PreparedStart(
    (*AGENTS, *COMMANDS, *ACAPY, "tests.issuer_keys:use_kept_keys", "tests.small_pages:leave_pages_small"),
    programs=("tests.flow.tiny_role", *ROGUES),
    folder=Path(__file__).parents[2],
)

_SHARED: Final = "WANDERBUCH_TESTS_PREPARED"  # in the environment, so that workers find it


def share_prepared(config: pytest.Config) -> None:
    """Where there are workers, have all ask one prepared process: its imports take seconds, and 150 MiB."""
    if hasattr(config, "workerinput"):
        start_prepared.join(Path(os.environ[_SHARED]))
    elif config.getoption("numprocesses", None):
        folder = Path(tempfile.mkdtemp(prefix="wb-prepared-"))
        config.add_cleanup(lambda: shutil.rmtree(folder))
        os.environ[_SHARED] = str(folder / "asked")
        start_prepared.share(folder / "asked")
        config.add_cleanup(start_prepared.close)
