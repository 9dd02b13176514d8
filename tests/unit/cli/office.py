"""An authority on one machine, without an agent: key file, DID log, governance file, and a host that serves them."""

import asyncio
import json
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aries_askar import Key, KeyAlg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.unit.http.tls_host import PrivateAuthority, TlsHost, tls_host

from wanderbuch.governance.facts.identifiers import WebvhDid
from wanderbuch.plugins.webvh.document import make_document
from wanderbuch.plugins.webvh.keys import to_multikey
from wanderbuch.plugins.webvh.log_writing import first_entry, utc_now

EXAMPLE = Path(__file__).parents[3] / "governance" / "files" / "sri-lanka.example.json"
HOST = "ministry.wanderbuch.test"


@dataclass
class Office:
    """An authority on one machine: key file, DID log, governance file."""

    folder: Path
    did: WebvhDid
    kid: str
    update_key: Any

    @property
    def log(self) -> Path:
        return self.folder / "did.jsonl"

    @property
    def key(self) -> Path:
        return self.folder / "key.pem"

    @property
    def file(self) -> Path:
        return self.folder / "governance.json"

    @property
    def signed(self) -> Path:
        return self.folder / "current.jws"

    @property
    def freshness(self) -> Path:
        return self.folder / "freshness.jws"

    def sign(self, *more: str) -> tuple[str, ...]:
        words = ("governance", "sign", str(self.file), "--key", str(self.key), "--kid", self.kid, "--out")
        return (*words, str(self.signed), *more)

    def verify(self, *more: str) -> tuple[str, ...]:
        return ("governance", "verify", str(self.signed), *more)

    def network(self, host: TlsHost) -> tuple[str, ...]:
        return ("--ca-file", str(host.ca_file), "--connect", f"{HOST}:443=127.0.0.1:{host.port}")

    def offline(self) -> tuple[str, str]:
        return "--did-log", str(self.log)


def pem(key: Any) -> bytes:
    encoded: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return encoded


def make_office(tmp_path: Path) -> Office:
    """Return an office with a DID of its own and the example file under it."""
    folder = tmp_path / "org"
    folder.mkdir()
    key, update_key = Ed25519PrivateKey.generate(), Key.generate(KeyAlg.ED25519)
    public = key.public_key().public_bytes_raw()
    document = make_document(
        f"did:webvh:{{SCID}}:{HOST}:org", assertion_keys=(public,), didcomm_key=public, didcomm_endpoint=None
    )
    did, entry = first_entry(document, update_key=update_key, next_keys=(), at=utc_now())
    made = Office(folder, did, f"{did}#{to_multikey(public)}", update_key)
    made.log.write_text(entry + "\n")
    made.key.write_bytes(pem(key))
    example = EXAMPLE.read_text()
    made.file.write_text(example.replace(json.loads(example)["author"], did))
    return made


class served:  # noqa: N801
    """A host on loopback, in a thread of its own: the command runs its own event loop."""

    def __init__(self, authority: PrivateAuthority, folder: Path) -> None:
        self._authority, self._folder = authority, folder
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._context: Any = None

    def __enter__(self) -> TlsHost:
        self._thread.start()
        self._context = tls_host(self._authority, HOST, self._folder)
        host: TlsHost = asyncio.run_coroutine_threadsafe(self._context.__aenter__(), self._loop).result(10)
        return host

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._context.__aexit__(None, None, None), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
