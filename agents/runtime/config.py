"""An agent's configuration: one TOML file, and the environment for secrets.

Every key is listed here; an unknown one is refused by name, with the nearest that is allowed. Paths are relative to the
file. Secrets come from a file of their own or from the environment (`WANDERBUCH_APP_TOKEN`, `WANDERBUCH_WALLET_KEY`,
`WANDERBUCH_STORE_PASSWORD`, `WANDERBUCH_ADMIN_KEY`), never from the TOML, and none has a default.
"""

import ipaddress
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Self

import base58
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)

from wanderbuch.agents.runtime.role import Role
from wanderbuch.agents.runtime.secret_files import ExposedSecretError, read_secret
from wanderbuch.agents.runtime.store_address import StoreAddress
from wanderbuch.errors import ConfigurationError
from wanderbuch.governance.identifiers import Did, IdentifierError
from wanderbuch.governance.webvh_place import PlaceError, published_place
from wanderbuch.plugins.webvh.witnesses import WitnessError, WitnessRule

APP_TOKEN_VARIABLE = "WANDERBUCH_APP_TOKEN"  # noqa: S105 (the name of a variable)
WALLET_KEY_VARIABLE = "WANDERBUCH_WALLET_KEY"
STORE_PASSWORD_VARIABLE = "WANDERBUCH_STORE_PASSWORD"  # noqa: S105
ADMIN_KEY_VARIABLE = "WANDERBUCH_ADMIN_KEY"

HOSTS_FOLDER = "hosts"
"""Folder of the public folder with the files of further hosts, each below its name."""

_MIN_TOKEN_LENGTH = 24
_WALLET_KEY_BYTES = 32


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
    tls_certificate: Path
    tls_key: Path


class PublicConfig(Table):
    """`[public]`: what the world reaches at https://<host>."""

    host: str
    """The public name, port 443, without "localhost"; also in the DID."""
    path: str = "org"
    """Path segments of the DID, separated by `/`."""
    listen: Listen
    tls_certificate: Path
    tls_key: Path
    max_message_bytes: int = Field(default=2 * 1024 * 1024, ge=1024)
    sockets: SocketsConfig = SocketsConfig()
    folder: Path | None = None
    """What the public site serves; by default `public` in the data folder. Processes on one `[store]` share one."""
    trusted_proxies: tuple[TrustedProxy, ...] = ()
    """Networks of the proxies in front, whose `X-Forwarded-For` says where a message came from."""
    witnesses: WitnessesConfig | None = None
    hosts: tuple[HostConfig, ...] = ()
    """Host names of tenants that have one of their own."""

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
        """Return the address that receives DIDComm messages."""
        return f"{self.url}/didcomm"

    @property
    def path_segments(self) -> tuple[str, ...]:
        """Return the path segments of the DID."""
        return tuple(self.path.split("/"))


class AppConfig(Table):
    """`[app]`: the role's REST API."""

    listen: Listen
    token_file: Path | None = None
    max_body_bytes: int = Field(default=1024 * 1024, ge=1024)
    sockets: SocketsConfig = SocketsConfig(connections=256)


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


class TenantsConfig(Table):
    """`[tenants]`: what tenants beside the default one may be; they are made by `wanderbuch tenant add`."""

    roles: tuple[str, ...] = ()
    """The roles that they may have, each with its table as defaults; by default the process's own."""
    share: float = Field(default=0.25, ge=0.05, le=1.0)
    """Where there are several tenants: which part of each budget against floods one of them may take."""
    messages_per_s: float = Field(default=50.0, ge=1.0, le=10_000.0)
    """Where there are several: how many messages one of them may be sent a second, in the long run."""
    event_streams: int = Field(default=8, ge=1, le=256)
    """How many may follow the event log of a tenant at once, in one process."""
    blob_mb: int = Field(default=1024, ge=1, le=1024 * 1024)
    """How much all blobs of a tenant may take, in MiB."""


class LogConfig(Table):
    """`[log]`: what goes to standard error."""

    level: str = Field(default="info", pattern="^(debug|info|warning|error)$")
    unsafe_acapy_details: bool = False
    """Also print what ACA-Py's own loggers say. They print claims: for invented people on a developer's machine."""


class _File(Table):
    """The TOML file without the role's own table."""

    role: str
    name: str = Field(min_length=1, max_length=200)
    data: Path
    public: PublicConfig
    app: AppConfig
    admin: AdminConfig | None = None
    wallet: WalletConfig = WalletConfig()
    store: StoreConfig = StoreConfig()
    network: NetworkConfig = NetworkConfig()
    governance: GovernanceConfig | None = None
    tenants: TenantsConfig = TenantsConfig()
    log: LogConfig = LogConfig()


class AgentConfig(_File):
    """Everything an agent was told, checked, with absolute paths and the secrets read."""

    role_settings: BaseModel
    role_tables: dict[str, dict[str, Any]] = {}
    """The tables of the roles as they stand in the file: what tenants' settings begin with."""
    folder: Path = Path()
    """Where the file lies: paths in these tables are relative to it."""
    app_token: SecretStr
    wallet_key: SecretStr
    store_password: SecretStr | None = None
    admin_key: SecretStr | None = None

    def settings[S: BaseModel](self, kind: type[S]) -> S:
        """Return the role's own table.

        Raises:
            ConfigurationError: the role's table is of another kind.
        """
        if not isinstance(self.role_settings, kind):
            raise ConfigurationError(f"the role {self.role} has no settings of the kind {kind.__name__}")
        return self.role_settings

    @property
    def public_folder(self) -> Path:
        """Return the folder whose files the public site serves."""
        return self.public.folder or self.data / "public"

    @property
    def wallet_file(self) -> Path:
        """Return the SQLite file of the wallet store."""
        return self.data / "wallet" / "wallet.db"

    @classmethod
    def of(cls, file: _File, **further: Any) -> Self:
        """Return the configuration that `file` and what was read for it make."""
        return cls(**{name: getattr(file, name) for name in type(file).model_fields}, **further)


def load_config(path: Path, environ: Mapping[str, str], *, role: Role) -> AgentConfig:
    """Read and check the configuration of an agent of this role.

    Raises:
        ConfigurationError: one plain sentence a mistake, the first mistakes first.
    """
    raw = _read_toml(path)
    table = raw.pop(role.name, {})
    tables = {**_further_tables(path, raw), role.name: table}
    try:
        file = _File.model_validate(raw)
        if file.role != role.name:
            raise ConfigurationError(f'{path}: expected role = "{role.name}", found "{file.role}"')
        role_settings = role.settings.model_validate(table, context={"folder": path.parent})
    except ValidationError as err:
        if err.title == _File.__name__:
            raise ConfigurationError(f"{path}: {_explain(err, _File, (), (role.name,))}") from err
        raise ConfigurationError(f"{path}: {_explain(err, role.settings, (role.name,))}") from err
    except IdentifierError as err:  # from a role's table
        raise ConfigurationError(f"{path}: [{role.name}]: {err.message}") from err
    folder = path.parent.resolve()
    file = _absolute(file, folder)
    _check_public_name(path, file.public)
    admin_key = None
    if file.admin:
        if file.admin.listen.host not in {"127.0.0.1", "::1"}:
            raise ConfigurationError(f"{path}: [admin] listen must be 127.0.0.1 or ::1")
        admin_key = _secret(path, "admin key", ADMIN_KEY_VARIABLE, environ, file.admin.key_file, "[admin] key_file")
        _check_token(path, "admin key", admin_key)
    token = _secret(path, "app token", APP_TOKEN_VARIABLE, environ, file.app.token_file, "[app] token_file")
    _check_token(path, "app token", token)
    key = _secret(path, "wallet key", WALLET_KEY_VARIABLE, environ, file.wallet.key_file, "[wallet] key_file")
    _check_wallet_key(path, key)
    return AgentConfig.of(
        file,
        role_settings=role_settings,
        role_tables=tables,
        folder=folder,
        app_token=token,
        wallet_key=key,
        store_password=_store_password(path, file.store, environ),
        admin_key=admin_key,
    )


def _further_tables(path: Path, raw: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Take the tables of the roles that tenants may have out of the file, unread: `agent.start` checks them."""
    told = raw.get("tenants")
    names = told.get("roles", ()) if isinstance(told, dict) else ()
    found = {name: raw.pop(name, {}) for name in names if isinstance(name, str) and name not in _File.model_fields}
    for name, table in found.items():
        if not isinstance(table, dict):
            raise ConfigurationError(f"{path}: {name} should be a table: [{name}]")
    return found


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as err:
        raise ConfigurationError(f"there is no configuration file {path}") from err
    except OSError as err:
        raise ConfigurationError(f"the configuration file {path} can not be read: {err.strerror}") from err
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as err:
        raise ConfigurationError(f"{path} is not a TOML file: {err}") from err


def _absolute(file: _File, folder: Path) -> _File:
    """Return `file` with every path made absolute against `folder`."""

    def moved[T: BaseModel](table: T) -> T:
        update: dict[str, object] = {}
        for name in type(table).model_fields:
            value = getattr(table, name)
            if isinstance(value, Path):
                update[name] = folder / value
            elif isinstance(value, Table):
                update[name] = moved(value)
            elif isinstance(value, tuple) and any(isinstance(each, Table) for each in value):
                update[name] = tuple(moved(each) for each in value)
        return table.model_copy(update=update)

    return moved(file)


def _check_public_name(path: Path, public: PublicConfig) -> None:
    """Refuse a host or path under which others would not find a did:webvh."""
    for host in (public.host, *(each.host for each in public.hosts)):
        try:
            published_place(host, public.path)
        except PlaceError as err:
            raise ConfigurationError(
                f"{path}: [public] host and path cannot stand in a did:webvh: {host!r}, {public.path!r}: {err}",
                hint='use a dotted name without a port, such as "centre.example.org", and a path such as "org"',
            ) from err
    if public.path_segments[0] == HOSTS_FOLDER:
        raise ConfigurationError(f"{path}: [public] path can not begin with {HOSTS_FOLDER!r}: hosts' files lie there")
    names = [public.host, *(each.host for each in public.hosts)]
    if len(set(names)) < len(names):
        raise ConfigurationError(f"{path}: [[public.hosts]] names a host twice, or that of [public]")


def _secret(path: Path, what: str, variable: str, environ: Mapping[str, str], file: Path | None, key: str) -> SecretStr:
    """Return a secret from the environment, else from its file."""
    if value := environ.get(variable, "").strip():
        return SecretStr(value)
    if file is None:
        raise ConfigurationError(f"{path}: no {what}", hint=f"set {variable}, or {key}")
    try:
        value = read_secret(file, what).decode("ascii").strip()
    except ExposedSecretError:
        raise
    except (ConfigurationError, UnicodeDecodeError) as err:
        raise ConfigurationError(f"{path}: the {what} in {file} can not be read", hint=f"check {key}") from err
    if not value:
        raise ConfigurationError(f"{path}: the file {file} is empty; expected the {what}")
    return SecretStr(value)


def _store_password(path: Path, store: StoreConfig, environ: Mapping[str, str]) -> SecretStr | None:
    if not store.is_shared:
        return None
    key = "[store] password_file"
    return _secret(path, "store password", STORE_PASSWORD_VARIABLE, environ, store.password_file, key)


def _check_token(path: Path, what: str, token: SecretStr) -> None:
    if len(token.get_secret_value()) < _MIN_TOKEN_LENGTH:
        raise ConfigurationError(f"{path}: the {what} is shorter than {_MIN_TOKEN_LENGTH} characters")


def _check_wallet_key(path: Path, key: SecretStr) -> None:
    try:
        length = len(base58.b58decode(key.get_secret_value()))
    except ValueError:
        length = 0
    if length != _WALLET_KEY_BYTES:
        raise ConfigurationError(f"{path}: the wallet key is not {_WALLET_KEY_BYTES} bytes in base58")


def _explain(
    err: ValidationError, model: type[BaseModel], prefix: tuple[str, ...], further: tuple[str, ...] = ()
) -> str:
    """Return the mistakes in plain words, unknown keys first, and none that only follows from another."""
    unknown: list[str] = []
    others: list[tuple[str, str]] = []
    meant: set[str] = set()
    for mistake in err.errors(include_input=False, include_url=False):
        where = (*prefix, *(str(part) for part in mistake["loc"]))
        if mistake["type"] == "extra_forbidden":
            inside = tuple(str(part) for part in mistake["loc"][:-1])
            allowed = [*_allowed(model, inside), *(() if inside else further)]
            near = get_close_matches(where[-1], allowed, n=1, cutoff=0.5)
            if near:
                meant.add(_shown((*where[:-1], near[0])))
                unknown.append(f"unknown key {_shown(where)}; did you mean {near[0]!r}?")
            else:
                unknown.append(f"unknown key {_shown(where)}; allowed: {', '.join(sorted(allowed))}")
        elif mistake["type"] == "missing":
            others.append((_shown(where), f"{_shown(where)} is missing"))
        else:
            others.append((_shown(where), f"{_shown(where)}: {mistake['msg']}"))
    return "; ".join([*unknown, *(text for where, text in others if where not in meant)])


def _allowed(model: type[BaseModel], where: tuple[str, ...]) -> list[str]:
    """Return the keys allowed in the table at `where`."""
    for part in where:
        field = model.model_fields.get(part)
        kinds = [field.annotation, *getattr(field.annotation, "__args__", ())] if field else []
        inner = next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)
        if inner is None:
            return []
        model = inner
    return list(model.model_fields)


def _shown(where: tuple[str, ...]) -> str:
    """Return a key as it stands in the file: `[public] listen`."""
    return where[0] if len(where) == 1 else f"[{'.'.join(where[:-1])}] {where[-1]}"
