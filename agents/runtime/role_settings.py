"""What the configuration of an agent needs to know of its role."""

from pathlib import Path
from typing import Annotated, Protocol

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationInfo


def _beside(path: Path, told: ValidationInfo) -> Path:
    folder = (told.context or {}).get("folder")
    return path if folder is None else Path(folder).resolve() / path


type BesideFile = Annotated[Path, AfterValidator(_beside)]
"""A path in a role's own table: relative to the configuration file, and absolute once it is read."""


class NoSettings(BaseModel):
    """The empty table of a role that needs no settings of its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def goes_by_mediator(settings: BaseModel) -> bool:
    """Return whether a role's table says that it is reached by a mediator, and has no address of its own.

    A table says so by its property `goes_by_mediator`: a mediator may stand in it for somebody else.
    """
    return bool(getattr(settings, "goes_by_mediator", False))


class HasSettings(Protocol):
    """A role, as far as its table goes."""

    @property
    def name(self) -> str:
        """Return the word in the configuration, and of its own table."""

    @property
    def settings(self) -> type[BaseModel]:
        """Return the model of that table."""
