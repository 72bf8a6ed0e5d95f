"""Something to do when a module is imported, which may be now, later or never.

A program sets up its surroundings before it imports torch, such as the devices that it may use. Whoever imports torch
first would come in between.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType


def when_imported(name: str, do: Callable[[], object]) -> None:
    """Do something as soon as the module `name` is imported; at once where it is."""
    if name in sys.modules:
        do()
    else:
        sys.meta_path.insert(0, _Finder(name, do))


class _Finder(MetaPathFinder):
    """Finds one module as the other finders do, and adds something to its end."""

    def __init__(self, name: str, do: Callable[[], object]) -> None:
        self._name, self._do = name, do

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self._name:
            return None
        sys.meta_path.remove(self)
        spec = find_spec(fullname)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader, self._do)
        return spec


class _Loader(Loader):
    """Loads a module as another loader does, and then does something."""

    def __init__(self, loader: Loader, do: Callable[[], object]) -> None:
        self._loader, self._do = loader, do

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        # The module is to keep the loader that it would have without us.
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        self._do()
