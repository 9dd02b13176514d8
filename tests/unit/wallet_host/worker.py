"""A worker's phone, as far as a wallet host sees it: the key of a vault, and calls over real sockets."""

import base64
import ssl
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from wanderbuch.agents.wallet_host.vault_call import signed_text


@dataclass(frozen=True)
class Answer:
    """What a host answered."""

    status: int
    tag: str | None
    body: bytes
    headers: dict[str, str]

    @property
    def revisions(self) -> list[bytes]:
        """What is in the vault."""
        revisions, rest = [], self.body
        while rest:
            size = int.from_bytes(rest[:4])
            revisions.append(rest[4 : 4 + size])
            rest = rest[4 + size :]
        return revisions


@dataclass(frozen=True)
class HostSite:
    """Where a host listens; asked as its proxy would ask it, so that a test says from which network."""

    host: str
    port: int
    ca_file: Path
    session: aiohttp.ClientSession

    async def ask(self, method: str, path: str, headers: dict[str, str], body: bytes | None = None) -> Answer:
        url = f"https://127.0.0.1:{self.port}{path}"
        tls = ssl.create_default_context(cafile=self.ca_file)
        asked = self.session.request(
            method, url, headers=headers, data=body, ssl=tls, server_hostname=self.host, allow_redirects=False
        )
        async with asked as answer:
            told = {name.lower(): value for name, value in answer.headers.items()}
            return Answer(answer.status, answer.headers.get("ETag"), await answer.read(), told)


@dataclass(frozen=True)
class Worker:
    """Who has the key of a vault."""

    site: HostSite
    network: str = "198.51.100.7"
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def headers(self) -> dict[str, str]:
        return {"Vault-Key": text(self.key.public_key().public_bytes_raw()), "X-Forwarded-For": self.network}

    def signature(self, what: str, after: int, sealed: bytes) -> str:
        return text(self.key.sign(signed_text(f"https://{self.site.host}", what, after, sealed)))

    async def read(self, **headers: str) -> Answer:
        return await self.site.ask("GET", "/vault", {**self.headers, **headers})

    async def write(self, sealed: bytes, *, after: int, is_base: bool = False, **changed: str) -> Answer:
        what = "base" if is_base or after == 0 else "further"
        headers = {
            **self.headers,
            **({"If-Match": f'"{after}"'} if after else {"If-None-Match": "*"}),
            **({"Vault-Base": "?1"} if what == "base" else {}),
            "Vault-Signature": self.signature(what, after, sealed),
            **{name.replace("_", "-"): value for name, value in changed.items()},
        }
        return await self.site.ask("PUT", "/vault", headers, sealed)

    async def delete(self) -> Answer:
        headers = {**self.headers, "Vault-Signature": self.signature("delete", 0, b"")}
        return await self.site.ask("DELETE", "/vault", headers)


def text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
