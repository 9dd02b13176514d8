"""What ACA-Py imports and an agent hardly ever asks for is loaded when somebody does, not when the agent starts.

ACA-Py's conductor imports a toolkit for terminals (to have a person accept a ledger's terms), a painter of QR codes, a
reader of HTML (for JSON-LD in web pages) and the driver of a store that is not Askar's. None of it runs in an agent of
ours, and it takes 20 MB of each and 0.4 s of each start (ADR 117).

    with left_for_later():
        from acapy_agent.core.conductor import Conductor

Inside, `import qrcode` and `from qrcode import QRCode` give stand-ins. Afterwards nothing of this is left but the
stand-ins in the modules that imported them: the first one that is used imports the library and is the real thing.
Whoever else imports the library has it at once. A stand-in can be called and asked for its attributes, and that is all
that is done with it: a test reads ACA-Py's code, and an upgrade that does more with a name does not pass it.
"""

import importlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Final

LIBRARIES: Final = ("lxml", "prompt_toolkit", "qrcode")
"""They have stand-ins."""
LEFT_OUT: Final = "acapy_agent.database_manager.databases.backends.backend_registration"
"""ACA-Py does without the stores that this module registers where it cannot be imported, and says so."""


class LaterName:
    """What `from library import name` gives: the library is imported when it is called or asked for something."""

    def __init__(self, module: str, name: str) -> None:
        self._module = module
        self._name = name

    def real(self) -> Any:
        """Import the library and return what the name stands for.

        Raises:
            ImportError: it is not installed, or is wanted while it is to be left for later.
        """
        return getattr(_imported(self._module), self._name)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real(), name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call what the name stands for."""
        return self.real()(*args, **kwargs)


class LaterModule(ModuleType):
    """What `import library` gives."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is self:  # it is being imported from
            return LaterName(self.__name__, name)
        return getattr(_imported(self.__name__), name)


@contextmanager
def left_for_later() -> Iterator[None]:
    """Have the libraries left for later that are not imported yet, by whatever is imported in this block.

    Nothing else may be imported beside it in another thread.
    """
    finder = _Finder([name for name in LIBRARIES if name not in sys.modules])
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in [name for name, module in sys.modules.items() if isinstance(module, LaterModule)]:
            del sys.modules[name]


def _imported(name: str) -> ModuleType:
    module = importlib.import_module(name)
    if not isinstance(module, LaterModule):
        return module
    raise ImportError(f"{name} is used while it is to be left for later", name=name)


class _Finder(MetaPathFinder, Loader):
    def __init__(self, libraries: Sequence[str]) -> None:
        self._libraries = libraries

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> ModuleSpec | None:
        if fullname == LEFT_OUT:
            raise ImportError(f"{fullname} is left out", name=fullname)
        if fullname.partition(".")[0] in self._libraries:
            return ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return LaterModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing is to be run."""
