"""The mail server of an issuer: the table `[issuer.smtp]` of its configuration file."""

from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from wanderbuch.agents.runtime.role_settings import BesideFile

_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


class SmtpSecurity(StrEnum):
    """How the talk with the mail server is encrypted."""

    STARTTLS = "starttls"  # RFC 3207, and nothing is said if the server has none
    TLS = "tls"  # RFC 8314: from the first byte
    NONE = "none"  # a server on this machine


class SmtpConfig(BaseModel):
    """Where e-mails are given to be sent: a server of the operator's own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = Field(min_length=1, max_length=253)
    port: int = Field(default=587, ge=1, le=65_535)
    security: SmtpSecurity = SmtpSecurity.STARTTLS

    ca_file: BesideFile | None = None
    """Certificates of the authorities that count for the server (PEM); without it, those of the machine."""

    user: str | None = None
    password_file: BesideFile | None = None

    sender: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.+_-]{0,63}@[A-Za-z0-9.-]{3,190}$")
    """The address that e-mails come from."""

    a_minute: int = Field(default=60, ge=1, le=600)
    """So many e-mails are given to the server in a minute at most, for each tenant, of all its batches."""

    @model_validator(mode="after")
    def _keeps_what_it_says_to_itself(self) -> Self:
        if self.security is SmtpSecurity.NONE and self.host not in _THIS_MACHINE:
            raise ValueError("security may be none only for a mail server on this machine")
        if (self.user is None) != (self.password_file is None):
            raise ValueError("user and password_file go together")
        return self
