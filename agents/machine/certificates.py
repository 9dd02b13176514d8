"""A private certificate authority for one machine; its key never leaves this process."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import trustme

from wanderbuch.agents.runtime.secret_files import write_secret

_SKEW: Final = timedelta(minutes=5)
_LIFETIME: Final = timedelta(days=30)


class LocalAuthority:
    """Issues server certificates that whoever trusts its one certificate accepts."""

    def __init__(self) -> None:
        self._authority = trustme.CA(path_length=0, organization_name="Wanderbuch machine-local CA")

    def write_certificate(self, path: Path) -> None:
        """Write the certificate to trust, as PEM."""
        self._authority.cert_pem.write_to_path(path)

    def write_server(self, host: str, certificate: Path, key: Path) -> None:
        """Write a certificate for `host` and its key, as PEM."""
        now = datetime.now(UTC)
        issued = self._authority.issue_cert(host, not_before=now - _SKEW, not_after=now + _LIFETIME)
        (own,) = issued.cert_chain_pems
        own.write_to_path(certificate)
        key.unlink(missing_ok=True)
        write_secret(key, issued.private_key_pem.bytes())
