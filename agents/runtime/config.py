"""An agent's configuration: one TOML file, and the environment for secrets.

Every key is listed in `config_tables`; an unknown one is refused by name, with the nearest that is allowed. Paths are
relative to the file. Secrets (`config_secrets`) come from a file of their own or from the environment, never from the
TOML, and none has a default.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Self

from pydantic import BaseModel, Field, SecretStr, ValidationError

from wanderbuch.agents.runtime.config_mistakes import explain
from wanderbuch.agents.runtime.config_secrets import Secrets
from wanderbuch.agents.runtime.config_tables import (
    AdminConfig,
    AppConfig,
    GovernanceConfig,
    LogConfig,
    NetworkConfig,
    PublicConfig,
    StoreConfig,
    Table,
    TenantsConfig,
    WalletConfig,
)
from wanderbuch.agents.runtime.role_settings import HasSettings
from wanderbuch.errors import ConfigurationError
from wanderbuch.governance.facts.identifiers import IdentifierError
from wanderbuch.governance.facts.webvh_place import PlaceError, published_place
from wanderbuch.plugins.indy.config import IndyConfig

ROLES: Final = ("authority", "issuer", "holder", "verifier", "mediator", "wallet_host")
"""Those that the command line runs."""

HOSTS_FOLDER = "hosts"
"""Folder of the public folder with the files of further hosts, each below its name."""


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
    indy: IndyConfig = IndyConfig()
    tenants: TenantsConfig = TenantsConfig()
    log: LogConfig = LogConfig()


class AgentConfig(_File):
    """Everything an agent was told, checked, with absolute paths and the secrets read."""

    role_settings: BaseModel
    role_tables: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """The tables of the roles as they stand in the file: what tenants' settings begin with."""
    folder: Path = Path()
    """Where the file lies: paths in these tables are relative to it."""
    app_token: SecretStr
    wallet_key: SecretStr
    store_password: SecretStr | None = None
    admin_key: SecretStr | None = None
    openid_secret: SecretStr | None = None
    objects_secret: SecretStr | None = None

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


def load_config(path: Path, environ: Mapping[str, str], *, role: HasSettings) -> AgentConfig:
    """Read and check the configuration of an agent of this role.

    Raises:
        ConfigurationError: one plain sentence a mistake, the first mistakes first.
    """
    raw = _read_toml(path, role.name)
    named = raw.get("role")
    if isinstance(named, str) and named != role.name:  # first: nothing else in it would fit
        raise ConfigurationError(
            f'{path}: expected role = "{role.name}", found "{named}"',
            hint=f"it is for: wanderbuch {named} … --config {path}" if named in ROLES else None,
        )
    table = raw.pop(role.name, {})
    tables = {**_further_tables(path, raw), role.name: table}
    try:
        file = _File.model_validate(raw)
        role_settings = role.settings.model_validate(table, context={"folder": path.parent})
    except ValidationError as err:
        if err.title == _File.__name__:
            raise ConfigurationError(f"{path}: {explain(err, _File, (), (role.name,))}") from err
        raise ConfigurationError(f"{path}: {explain(err, role.settings, (role.name,))}") from err
    except IdentifierError as err:  # from a role's table
        raise ConfigurationError(f"{path}: [{role.name}]: {err.message}") from err
    folder = path.parent.resolve()
    file = _absolute(file, folder)
    _check_public_name(path, file.public)
    if file.admin and file.admin.listen.host not in {"127.0.0.1", "::1"}:
        raise ConfigurationError(f"{path}: [admin] listen must be 127.0.0.1 or ::1")
    secrets = Secrets(path, environ)
    return AgentConfig.of(
        file,
        role_settings=role_settings,
        role_tables=tables,
        folder=folder,
        admin_key=secrets.admin_key(file.admin.key_file) if file.admin else None,
        app_token=secrets.app_token(file.app.token_file),
        objects_secret=secrets.objects_secret(file.public.objects.secret_file) if file.public.objects else None,
        openid_secret=secrets.openid_secret(file.app.openid.client_secret_file) if file.app.openid else None,
        wallet_key=secrets.wallet_key(file.wallet.key_file),
        store_password=secrets.store_password(file.store.password_file) if file.store.is_shared else None,
    )


def _further_tables(path: Path, raw: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Take the tables of the roles that tenants may have out of the file, unread: `agent.start` checks them."""
    told = raw.get("tenants")
    names = told.get("roles", ()) if isinstance(told, dict) else ()
    tables = {name: raw.pop(name, {}) for name in names if isinstance(name, str) and name not in _File.model_fields}
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise ConfigurationError(f"{path}: {name} should be a table: [{name}]")
    return tables


def _read_toml(path: Path, role: str) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as err:
        raise ConfigurationError(
            f"there is no configuration file {path}",
            hint=f"one to begin with is made by: wanderbuch {role} init FOLDER --name NAME --host HOST"
            if role in ROLES
            else None,
        ) from err
    except OSError as err:
        raise ConfigurationError(f"the configuration file {path} cannot be read: {err.strerror}") from err
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
            elif isinstance(value, BaseModel):
                update[name] = moved(value)
            elif isinstance(value, tuple) and any(isinstance(item, BaseModel) for item in value):
                update[name] = tuple(moved(item) for item in value)
        return table.model_copy(update=update)

    return moved(file)


def _check_public_name(path: Path, public: PublicConfig) -> None:
    """Refuse a host or path under which others would not find a did:webvh."""
    for host in (public.host, *(host_config.host for host_config in public.hosts)):
        try:
            published_place(host, public.path)
        except PlaceError as err:
            raise ConfigurationError(
                f"{path}: [public] host and path cannot stand in a did:webvh: {host!r}, {public.path!r}: {err}",
                hint='use a dotted name without a port, such as "centre.example.org", and a path such as "org"',
            ) from err
    if public.path_segments[0] == HOSTS_FOLDER:
        raise ConfigurationError(f"{path}: [public] path cannot begin with {HOSTS_FOLDER!r}: hosts' files lie there")
    names = [public.host, *(host_config.host for host_config in public.hosts)]
    if len(set(names)) < len(names):
        raise ConfigurationError(f"{path}: [[public.hosts]] names a host twice, or that of [public]")
