"""What an agent does not need before it does not import: each of these takes megabytes."""

import subprocess
import sys
from typing import Final

ROLES: Final = ("authority", "issuer", "holder", "verifier")
OFFICES: Final = ("wanderbuch.agents.authority.office", "wanderbuch.agents.verifier.office")
LATER: Final = ("obstore", "segno", "webauthn", "joserfc")
"""For a bucket, the first QR code that is looked at, a passkey, an account elsewhere."""


def test_libraries_for_what_not_every_agent_does_are_not_imported_at_its_start() -> None:
    roles = [f"wanderbuch.agents.{name}.role" for name in ROLES]
    code = f"import sys, wanderbuch.agents.runtime.process, {', '.join((*roles, *OFFICES))}; print(*sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported = set(ended.stdout.split())
    assert imported >= {"wanderbuch.agents.runtime.public_files", "wanderbuch.agents.runtime.qr"}
    assert "wanderbuch.agents.people.passkeys" in imported
    assert imported.isdisjoint(LATER)
