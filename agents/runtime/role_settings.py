"""What the configuration of an agent needs to know of its role."""

from typing import Protocol

from pydantic import BaseModel, ConfigDict


class NoSettings(BaseModel):
    """The empty table of a role that needs no settings of its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class HasSettings(Protocol):
    """A role, as far as its table goes."""

    @property
    def name(self) -> str:
        """Return the word in the configuration, and of its own table."""

    @property
    def settings(self) -> type[BaseModel]:
        """Return the model of that table."""
