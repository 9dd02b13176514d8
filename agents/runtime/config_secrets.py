"""An agent's secrets: from the environment, else from files of their own; none has a default."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import base58
from pydantic import SecretStr

from wanderbuch.agents.runtime.secret_files import ExposedSecretError, read_secret
from wanderbuch.errors import ConfigurationError

APP_TOKEN_VARIABLE: Final = "WANDERBUCH_APP_TOKEN"  # noqa: S105 (the name of a variable)
WALLET_KEY_VARIABLE: Final = "WANDERBUCH_WALLET_KEY"
STORE_PASSWORD_VARIABLE: Final = "WANDERBUCH_STORE_PASSWORD"  # noqa: S105
ADMIN_KEY_VARIABLE: Final = "WANDERBUCH_ADMIN_KEY"
OPENID_SECRET_VARIABLE: Final = "WANDERBUCH_OPENID_SECRET"  # noqa: S105
OBJECTS_SECRET_VARIABLE: Final = "WANDERBUCH_OBJECTS_SECRET"  # noqa: S105

_MIN_TOKEN_LENGTH: Final = 24
_WALLET_KEY_BYTES: Final = 32


class Secrets:
    """The secrets of one agent.

    Args:
        path: its configuration file, for messages.
        environ: the environment.
    """

    def __init__(self, path: Path, environ: Mapping[str, str]) -> None:
        self._path = path
        self._environ = environ

    def app_token(self, file: Path | None) -> SecretStr:
        """Return the token of the REST API; errors as in all of these: it is missing, exposed or too short."""
        return self._token("app token", APP_TOKEN_VARIABLE, file, "[app] token_file")

    def admin_key(self, file: Path | None) -> SecretStr:
        """Return the key of ACA-Py's Admin API."""
        return self._token("admin key", ADMIN_KEY_VARIABLE, file, "[admin] key_file")

    def store_password(self, file: Path | None) -> SecretStr:
        """Return the password of the PostgreSQL."""
        return self._read("store password", STORE_PASSWORD_VARIABLE, file, "[store] password_file")

    def objects_secret(self, file: Path | None) -> SecretStr:
        """Return the secret of the key of the object store."""
        return self._read("object store secret", OBJECTS_SECRET_VARIABLE, file, "[public.objects] secret_file")

    def openid_secret(self, file: Path | None) -> SecretStr | None:
        """Return the secret of this site at the provider of accounts; None if neither file nor environment has one."""
        if file is None and not self._environ.get(OPENID_SECRET_VARIABLE, "").strip():
            return None
        return self._read("client secret", OPENID_SECRET_VARIABLE, file, "[app.openid] client_secret_file")

    def wallet_key(self, file: Path | None) -> SecretStr:
        """Return the raw key of the wallet in base58."""
        key = self._read("wallet key", WALLET_KEY_VARIABLE, file, "[wallet] key_file")
        try:
            length = len(base58.b58decode(key.get_secret_value()))
        except ValueError:
            length = 0
        if length != _WALLET_KEY_BYTES:
            raise ConfigurationError(f"{self._path}: the wallet key is not {_WALLET_KEY_BYTES} bytes in base58")
        return key

    def _token(self, what: str, variable: str, file: Path | None, key: str) -> SecretStr:
        token = self._read(what, variable, file, key)
        if len(token.get_secret_value()) < _MIN_TOKEN_LENGTH:
            raise ConfigurationError(f"{self._path}: the {what} is shorter than {_MIN_TOKEN_LENGTH} characters")
        return token

    def _read(self, what: str, variable: str, file: Path | None, key: str) -> SecretStr:
        """Return a secret from the environment, else from its file."""
        if value := self._environ.get(variable, "").strip():
            return SecretStr(value)
        if file is None:
            raise ConfigurationError(f"{self._path}: no {what}", hint=f"set {variable}, or {key}")
        try:
            value = read_secret(file, what).decode("ascii").strip()
        except ExposedSecretError:
            raise
        except (ConfigurationError, UnicodeDecodeError) as err:
            raise ConfigurationError(f"{self._path}: the {what} in {file} cannot be read", hint=f"check {key}") from err
        if not value:
            raise ConfigurationError(f"{self._path}: the file {file} is empty; expected the {what}")
        return SecretStr(value)
