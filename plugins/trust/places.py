"""A place for each credential that is being signed; bound in the injector by whoever keeps registries."""

from abc import ABC, abstractmethod
from contextlib import AbstractAsyncContextManager

from wanderbuch.governance.identifiers import CredDefId


class SigningPlaces(ABC):
    """Makes signing wait until the active revocation registry has room."""

    @abstractmethod
    def one(self, cred_def_id: CredDefId) -> AbstractAsyncContextManager[None]:
        """Return what to hold while one credential is signed; it is entered once there is a place for it.

        Raises:
            WanderbuchError: when entered: there is no place and no registry could be made.
        """
