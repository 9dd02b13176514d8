"""A private certificate authority for one machine; its key never leaves this process."""

import base64
import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import trustme
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_pem_x509_certificate

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


def trusted_by_chromium(certificates: Iterable[Path]) -> str:
    """Return the option that makes Chromium take server certificates of this machine for good.

    Where it only overlooks what is wrong with a certificate it keeps no file of a page, and starts no service worker.
    """
    return f"--ignore-certificate-errors-spki-list={','.join(map(_digest_of_key, certificates))}"


def _digest_of_key(certificate: Path) -> str:
    key = load_pem_x509_certificate(certificate.read_bytes()).public_key()
    told = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(told).digest()).decode()
