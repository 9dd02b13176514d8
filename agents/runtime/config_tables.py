"""The tables of an agent's configuration file that every role has: each key with what it means and its default."""

import ipaddress
from pathlib import Path
from typing import Annotated, Final, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from wanderbuch.agents.runtime.store_address import StoreAddress, is_loopback
from wanderbuch.errors import ConfigurationError
from wanderbuch.governance.facts.identifiers import Did, IdentifierError
from wanderbuch.plugins.exchange.channel import QUEUE
from wanderbuch.plugins.webvh.witnesses import WitnessError, WitnessRule


class Table(BaseModel):
    """Base of every table: frozen, and no key but the listed ones."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Address(Table):
    """Where a socket listens."""

    host: str
    port: int = Field(ge=1, le=65535)

    def __str__(self) -> str:
        """Return `host:port`."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


_WIDEST = 8
"""A network of proxies that may speak plain http is no wider than that: 10.0.0.0/8."""


def _address(value: object) -> object:
    """Take `"127.0.0.1:8443"` apart."""
    if not isinstance(value, str):
        return value
    host, colon, port = value.rpartition(":")
    if not colon or not host or not port.isdecimal():
        raise ValueError('expected "<address>:<port>", such as "127.0.0.1:8443"')
    return {"host": host.strip("[]"), "port": int(port)}


def _https(value: str) -> str:
    if not value.startswith("https://"):
        raise ValueError("expected an address that starts with https://")
    return value.rstrip("/")


def _origin(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.netloc or "@" in parts.netloc:
        raise ValueError('expected an address without a path, such as "https://desk.example"')
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise ValueError('expected an address without a path, such as "https://desk.example"')
    return f"{parts.scheme}://{parts.netloc}".lower()


def _network(value: object) -> object:
    """Take `"10.0.0.0/8"` or a single address as a network."""
    if not isinstance(value, str):
        return value
    try:
        return ipaddress.ip_network(value)
    except ValueError as err:
        raise ValueError('expected an address or a network, such as "10.0.0.5" or "10.0.0.0/24"') from err


def _did(value: str) -> str:
    try:
        return Did.parse(value)
    except IdentifierError as err:
        raise ValueError(err.message) from err


def _store_address(value: str) -> str:
    return str(StoreAddress.parse(value))


Listen = Annotated[Address, BeforeValidator(_address)]
TrustedProxy = Annotated[ipaddress.IPv4Network | ipaddress.IPv6Network, BeforeValidator(_network)]
HttpsUrl = Annotated[str, AfterValidator(_https)]
OriginUrl = Annotated[str, AfterValidator(_origin)]
HttpsOrigin = Annotated[str, AfterValidator(_https), AfterValidator(_origin)]


class WitnessesConfig(Table):
    """`[public.witnesses]`: who must approve every change of the agent's DID (did:webvh 1.0, witnesses)."""

    threshold: int
    """How many of them must."""
    dids: tuple[str, ...]
    """Their DIDs, did:key of Ed25519 keys; `wanderbuch witness did --key key.pem` prints one."""

    @model_validator(mode="after")
    def _is_a_rule(self) -> Self:
        try:
            _ = self.rule
        except WitnessError as err:
            raise ValueError(err.message) from err
        return self

    @property
    def rule(self) -> WitnessRule:
        """Return the rule that the log states."""
        return WitnessRule.of(self.threshold, self.dids)


class SocketsConfig(Table):
    """`[public.sockets]` and `[app.sockets]`: what whoever connects may hold open; see `connections`."""

    connections: int = Field(default=512, ge=16)
    """At most so many; fewer where the process may open few files."""
    per_network: int | None = Field(default=None, ge=1)
    """At most so many from one /24 (IPv6: /48); by default half of them on the public site, all on the app site."""
    unfinished_bytes: int = Field(default=64 * 1024 * 1024, ge=1024 * 1024)
    """How much of requests that have not come whole is held in memory; at least four times the largest one."""


class HostConfig(Table):
    """`[[public.hosts]]`: a further host name, for one tenant; the socket is the same, the client says which (SNI)."""

    host: str
    """The public name, as in `[public]`."""
    tls_certificate: Path | None = None
    tls_key: Path | None = None


class ObjectsConfig(Table):
    """`[public.objects]`: an S3-compatible store for the public files, instead of a folder."""

    bucket: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")
    prefix: str = Field(default="", pattern=r"^([A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*)?$")
    """Folder in the bucket, of this agent alone."""
    url: OriginUrl | None = None
    """Where the store is; by default Amazon's, in the region."""
    region: str = Field(default="us-east-1", pattern=r"^[a-z0-9-]{1,40}$")
    access_key: str = Field(min_length=1, max_length=200)
    """The name of the key; it may get and put objects below the prefix."""
    secret_file: Path | None = None
    """A file with the key's secret; else the environment."""
    unsafe_unencrypted: bool = False
    """Talk to a store that is not on this machine without TLS: for a network that nobody else can write to."""

    @model_validator(mode="after")
    def _is_encrypted(self) -> Self:
        if self.is_unencrypted and not self.unsafe_unencrypted and not is_loopback(urlsplit(self.url or "").hostname):
            raise ValueError(
                "the store is on another machine and url begins with http: whoever is between could change what is"
                " published (unsafe_unencrypted = true allows it)"
            )
        return self

    @property
    def is_unencrypted(self) -> bool:
        """Tell whether the store is asked without TLS."""
        return (self.url or "").startswith("http:")


NOWHERE: Final = "nowhere.invalid"
"""The name of an agent that listens nowhere; nobody can have it (RFC 2606)."""


class PublicConfig(Table):
    """`[public]`: what the world reaches at https://<host>; a wallet behind a mediator has none of it (`UNREACHED`)."""

    host: str
    """The public name, port 443, without "localhost"; also in the DID."""
    path: str = "org"
    """Path segments of the DID, separated by `/`."""
    listen: Listen | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    tls_at_proxy: bool = False
    """The proxies in front end TLS: this socket speaks plain http, and to `trusted_proxies` alone."""
    max_message_bytes: int = Field(default=2 * 1024 * 1024, ge=1024)
    sockets: SocketsConfig = SocketsConfig()
    folder: Path | None = None
    """What the public site serves; by default `public` in the data folder. Processes on one `[store]` share one."""
    objects: ObjectsConfig | None = None
    """An object store for these files, in place of the folder."""
    trusted_proxies: tuple[TrustedProxy, ...] = ()
    """Networks of the proxies in front, whose `X-Forwarded-For` says where a message came from."""
    witnesses: WitnessesConfig | None = None
    didcomm_v2: bool = False
    """Take DIDComm v2 beside v1, at the same address; its DID then names keys for it (of roles that have one)."""
    hosts: tuple[HostConfig, ...] = ()
    """Host names of tenants that have one of their own."""
    wallets: tuple[HttpsOrigin, ...] = Field(default=(), max_length=8)
    """Sites of wallets, such as `https://wallet.example.org`, that pages of links offer; the first one by default."""

    @model_validator(mode="after")
    def _has_one_place(self) -> Self:
        if self.folder is not None and self.objects is not None:
            raise ValueError("folder and objects exclude each other: public files lie in one place")
        return self

    @model_validator(mode="after")
    def _has_tls(self) -> Self:
        if self.listen is None:
            if self.host != NOWHERE:
                raise ValueError("listen is missing")
            return self
        pairs = [self.tls_certificate, self.tls_key]
        pairs += [path for host in self.hosts for path in (host.tls_certificate, host.tls_key)]
        if not self.tls_at_proxy:
            if None in pairs:
                raise ValueError("tls_certificate or tls_key is missing (tls_at_proxy = true where a proxy ends TLS)")
            return self
        if any(pairs):
            raise ValueError("with tls_at_proxy this process has no certificate: leave tls_certificate and tls_key out")
        if not self.trusted_proxies or any(network.prefixlen < _WIDEST for network in self.trusted_proxies):
            raise ValueError(
                "with tls_at_proxy nobody but the proxies may connect: name them in trusted_proxies, each by its"
                f' address or a network of at least /{_WIDEST}, such as "127.0.0.1"'
            )
        return self

    @property
    def url(self) -> str:
        """Return `https://<host>`."""
        return f"https://{self.host}"

    @property
    def base_url(self) -> str:
        """Return the address below which the DID's files lie."""
        return f"{self.url}/{self.path}"

    @property
    def didcomm_endpoint(self) -> str:
        """Return the address that receives DIDComm messages; where there is none, what stands for that."""
        return QUEUE if self.listen is None else f"{self.url}/didcomm"

    @property
    def path_segments(self) -> tuple[str, ...]:
        """Return the path segments of the DID."""
        return tuple(self.path.split("/"))


UNREACHED: Final = PublicConfig(host=NOWHERE)
"""Of an agent that has no address: no socket listens."""


class OpenIdConfig(Table):
    """`[app.openid]`: whose accounts people may sign in with, beside what they have here (OpenID Connect)."""

    issuer: str = Field(pattern=r"^https://[!-~]{1,500}$")
    """The provider's name, exactly as it writes it, with or without a slash at its end."""
    client_id: str = Field(min_length=1, max_length=500)
    """What this site is called there; its redirect address there is `<url>/desk/openid/callback`."""
    client_secret_file: Path | None = None
    """A file with the secret, if the provider gave one; else the environment."""
    name: str = Field(min_length=1, max_length=60)
    """What people call the provider."""


class AppConfig(Table):
    """`[app]`: the role's REST API, and its pages."""

    listen: Listen
    url: OriginUrl | None = None
    """What browsers call it, such as "https://desk.example", where a proxy in front asks under another name."""
    token_file: Path | None = None
    max_body_bytes: int = Field(default=1024 * 1024, ge=1024)
    sockets: SocketsConfig = SocketsConfig(connections=256)
    openid: OpenIdConfig | None = None


class AdminConfig(Table):
    """`[admin]`: ACA-Py's own Admin API, for operators; off unless this table is there; loopback only."""

    listen: Listen
    key_file: Path | None = None


class StoreConfig(Table):
    """`[store]`: a PostgreSQL for any number of processes; without `url` the store is SQLite in the data folder."""

    url: Annotated[str, AfterValidator(_store_address)] | None = None
    """`postgresql://<user>@<host>:5432/<database>`, without the password."""
    password_file: Path | None = None
    """A file with the password; else the environment."""
    connections: int = Field(default=8, ge=4, le=200)
    """How many connections this process opens for the wallet, and as many again for the plain tables."""
    ca_file: Path | None = None
    """The authority of the server's certificate: with it every connection is TLS, to that very host and no other."""
    unsafe_unencrypted: bool = False
    """Connect without TLS to a server that is not on this machine: for a network that nobody else can read."""

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.url is None:
            if self.model_fields_set:
                raise ValueError("url is missing; without it the store is SQLite, and nothing else can stand here")
            return self
        if self.ca_file is None and not self.unsafe_unencrypted and not self.address.is_here:
            raise ValueError(
                "the server is on another machine and ca_file is missing: the password and what is stored would"
                " travel unencrypted (unsafe_unencrypted = true allows it)"
            )
        return self

    @property
    def is_shared(self) -> bool:
        """Tell whether other processes may use the same store."""
        return self.url is not None

    @property
    def address(self) -> StoreAddress:
        """Return where the PostgreSQL is.

        Raises:
            ConfigurationError: the store is SQLite.
        """
        if self.url is None:
            raise ConfigurationError("there is no [store] url: the store is SQLite")
        return StoreAddress.parse(self.url)


class WalletConfig(Table):
    """`[wallet]`: how the wallet store is opened."""

    key_file: Path | None = None
    """A file with the raw 32-byte key in base58; else the environment."""
    busy_timeout_ms: int = Field(default=60_000, ge=1)
    """How long a writer waits for another on SQLite."""
    max_connections: int = Field(default=32, ge=8)
    """Of the pool on SQLite; on PostgreSQL `[store] connections` says it."""


class NetworkConfig(Table):
    """`[network]`: how this agent reaches others."""

    ca_file: Path | None = None
    """Certificates to trust instead of the system's."""
    connect: tuple[str, ...] = ()
    """`"<host>:443=<address>:<port>"`: connect there instead of asking the DNS."""


class GovernanceConfig(Table):
    """`[governance]`: whose word counts; not for the authority itself."""

    url: HttpsUrl
    author: Annotated[str, AfterValidator(_did)]
    bundle: Path | None = None
    """A bundle of that governance, for when the network is away; decisions on it say how old the facts are."""
    bundle_every_h: float = Field(default=6.0, ge=0, le=24 * 14)
    """It is fetched anew when it is so many hours old and there is a network; 0: never by itself."""


class SignUpConfig(Table):
    """`[tenants.sign_up]`: tenants that organisations make for themselves."""

    enabled: bool = False
    """Whether anybody may; only where the process's own role lets them (a verifier's does)."""
    most: int = Field(default=100, ge=1, le=10_000)
    """How many there may be of them at once."""
    idle_days: int = Field(default=60, ge=1, le=3650)
    """After so many days without use one is to go, a week later: its token was not used, nobody was signed in at its
    desk, nobody who is connected wrote to it, and nothing of it is open."""
    network_a_minute: float = Field(default=1.0, gt=0, le=600)
    """How many one network may make a minute; as many again at once."""
    network_a_day: int = Field(default=10, ge=1, le=10_000)
    """How many it may make a day: what is made stays, and one network is not to take all places."""
    all_a_minute: float = Field(default=10.0, gt=0, le=6000)
    """How many all of them may make a minute."""


class TenantsConfig(Table):
    """`[tenants]`: what tenants beside the default one may be; they are made by `wanderbuch tenant add`."""

    roles: tuple[str, ...] = ()
    """The roles that they may have, each with its table as defaults; by default the process's own."""
    share: float = Field(default=0.25, ge=0.05, le=1.0)
    """Where there are several tenants: which part of each budget against floods one of them may take."""
    messages_per_s: float = Field(default=25.0, ge=1.0, le=10_000.0)
    """Where there are several: how many messages one of them may be sent a second, in the long run."""
    event_streams: int = Field(default=8, ge=1, le=256)
    """How many may follow the event log of a tenant at once, in one process."""
    blob_mb: int = Field(default=1024, ge=1, le=1024 * 1024)
    """How much all blobs of a tenant may take, in MiB."""
    sign_up: SignUpConfig = SignUpConfig()
    """Tenants that organisations make for themselves; off unless it is switched on."""


class LogConfig(Table):
    """`[log]`: what goes to standard error."""

    level: str = Field(default="info", pattern="^(debug|info|warning|error)$")
    unsafe_acapy_details: bool = False
    """Also print what ACA-Py's own loggers say. They print claims: for invented people on a developer's machine."""
