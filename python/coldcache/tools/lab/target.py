"""A function to measure, written ``FOLDER:module.handler``, checked without importing it.

The module is looked up as a file: importing user code in our own process would run it, warm caches,
and mix its dependencies with ours. Whether the handler exists is for the runtime client to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .errors import UsageError

__all__ = ["Target"]

_FORM = "FOLDER:module.handler, for example src:app.handler"


@dataclass(frozen=True)
class Target:
    """A function folder and the handler inside it.

    Attributes:
        spec: As the user wrote it.
        folder: Absolute path of the function folder.
        module: Dotted name of the handler's module.
        function: Name of the handler inside the module.
    """

    spec: str
    folder: Path
    module: str
    function: str

    @property
    def handler(self) -> str:
        """The handler as the runtime client takes it: ``module.function``."""
        return f"{self.module}.{self.function}"

    @classmethod
    def parse(cls, spec: str) -> Target:
        """Read ``FOLDER:module.handler`` and check that folder and module exist.

        Slashes in the module part count as dots, as on the platform.

        Raises:
            UsageError: The text has another form, or the folder or module is missing.
        """
        folder_text, colon, handler = spec.rpartition(":")
        if not colon or not folder_text or not handler:
            raise UsageError(f"a function is written {_FORM}; got {spec!r}")
        module, dot, function = handler.replace("/", ".").rpartition(".")
        parts = module.split(".")
        if not dot or not all(part.isidentifier() for part in [*parts, function]):
            raise UsageError(
                f"the handler {handler!r} in {spec!r} is not of the form module.handler; "
                f"a function is written {_FORM}"
            )
        folder = Path(folder_text).expanduser()
        if not folder.exists():
            raise UsageError(f"the folder {folder_text!r} of {spec!r} does not exist")
        if not folder.is_dir():
            raise UsageError(f"{folder_text!r} in {spec!r} is not a folder")
        folder = folder.absolute()
        if not _module_exists(folder, parts):
            expected = "/".join(parts)
            raise UsageError(
                f"there is no module {module!r} in the folder {folder_text!r}: "
                f"expected {expected}.py or {expected}/__init__.py"
            )
        return cls(spec=spec, folder=folder, module=module, function=function)


def _module_exists(folder: Path, parts: list[str]) -> bool:
    """Whether the files of a dotted module are in *folder*; parents may be namespace packages."""
    *parents, name = parts
    place = folder.joinpath(*parents)
    if not place.is_dir():
        return False
    if (place / name / "__init__.py").is_file():
        return True
    if any((place / f"{name}{suffix}").is_file() for suffix in (".py", ".pyc", ".so", ".pyd")):
        return True
    # A compiled module carries the tag of the interpreter that will load it, which need not be
    # ours.
    return any(place.glob(f"{name}.*.so")) or any(place.glob(f"{name}.*.pyd"))
