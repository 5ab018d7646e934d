"""Who is told how far a warm-up is."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from coldcache._warm_report import WarmStep

# Called with all steps, as they are now, and whether that was the end: quick, and never raising.
observers: "list[Callable[[Iterable[WarmStep], bool], object]]" = []


def tell(steps: "Iterable[WarmStep]", *, is_over: bool) -> None:
    """Tell everybody who wants to know."""
    for observer in observers:
        observer(steps, is_over)
