"""`Generic` for classes that are generic to type checkers alone: `typing` takes long to import."""

__all__ = ["Generic"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Generic
else:

    class Generic:
        """Stands in for the one of `typing`."""

        __slots__ = ()

        def __class_getitem__(cls, item: object) -> type:
            return cls
