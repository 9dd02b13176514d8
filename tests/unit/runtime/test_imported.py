"""What an agent does not need before it does not import: each of these takes megabytes."""

import subprocess
import sys
from typing import Final

ROLES: Final = ("authority", "issuer", "holder", "verifier")
LATER: Final = ("obstore", "segno")  # for a bucket, and for the first QR code that is looked at


def test_libraries_for_what_not_every_agent_does_are_not_imported_at_its_start() -> None:
    roles = [f"wanderbuch.agents.{name}.role" for name in ROLES]
    code = f"import sys, wanderbuch.agents.runtime.process, {', '.join(roles)}; print(*sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported = set(ended.stdout.split())
    assert imported >= {"wanderbuch.agents.runtime.public_files", "wanderbuch.agents.runtime.qr"}
    assert imported.isdisjoint(LATER)
