"""Found by the interpreter when this folder is on ``PYTHONPATH``: applies ``coldcache.lock``.

Then it makes room for the ``sitecustomize`` that would have been found without it, and takes the
folder off the path again, so that programs the function starts are not touched.
"""

import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))


def _leave_path() -> None:
    sys.path[:] = [folder for folder in sys.path if os.path.abspath(folder) != _HERE]
    folders = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    folders = [folder for folder in folders if os.path.abspath(folder) != _HERE]
    if any(folders):
        os.environ["PYTHONPATH"] = os.pathsep.join(folders)
    else:
        os.environ.pop("PYTHONPATH", None)


def _apply() -> None:
    # At this moment a layer, or the function's own folder, may not be on the path yet.
    home = os.path.dirname(os.path.dirname(os.path.dirname(_HERE)))
    is_new = home not in sys.path
    if is_new:
        sys.path.append(home)
    try:
        import coldcache.auto  # noqa: F401, PLC0415
    except Exception as error:  # noqa: BLE001 - the function has to start
        print(f"coldcache: imports stay eager: {type(error).__name__}: {error}", file=sys.stderr)
    finally:
        if is_new and home in sys.path:
            sys.path.remove(home)


def _go_on() -> None:
    ours = sys.modules.pop("sitecustomize", None)
    try:
        import sitecustomize  # type: ignore[import-not-found]  # noqa: F401, PLC0415
    except ModuleNotFoundError as error:
        if error.name != "sitecustomize":
            raise
    finally:
        if ours is not None:
            sys.modules.setdefault("sitecustomize", ours)


_leave_path()
_apply()
_go_on()
