"""What the bootstrap leaves as it was: the path, the user's own hooks, programs started later."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import coldcache
import pytest

AUTO = Path(coldcache.__file__).parent / "auto"
SITE = str(AUTO / "site")


LOCK = {"COLDCACHE_LOCK": "coldcache.lock"}
OWN = "import sys\nsys.own = getattr(sys, 'own', 0) + 1\n"


def own_site(deployed: Any, source: str, name: str = "sitecustomize") -> str:
    """A path with a hook of the user's own on it, behind ours."""
    folder = deployed.folder / "own site"
    folder.mkdir()
    (folder / f"{name}.py").write_text(source)
    return f"{SITE}{os.pathsep}{folder}"


def asked(deployed: Any, program: str, path: str = SITE) -> str:
    """What a program prints that is started with the bootstrap."""
    done = deployed.run(sys.executable, "-c", program, PYTHONPATH=path, **LOCK)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


def test_the_users_own_hook_runs_once(deployed: Any) -> None:
    path = own_site(deployed, OWN)

    assert asked(deployed, "import sys; print(sys.own)", path) == "1"


def test_the_users_own_hook_is_what_the_name_stands_for(deployed: Any) -> None:
    path = own_site(deployed, "MARK = 'own'\n")

    assert asked(deployed, "import sitecustomize; print(sitecustomize.MARK)", path) == "own"


def test_the_users_other_hook_runs_once(deployed: Any) -> None:
    path = own_site(deployed, OWN, "usercustomize")
    site = "import site, sys; print(sys.own if site.ENABLE_USER_SITE else 1)"

    assert asked(deployed, site, path) == "1"


def test_the_users_own_hook_runs_where_the_lock_is_damaged(deployed: Any) -> None:
    (deployed.folder / "coldcache.lock").write_text("nonsense")
    path = own_site(deployed, OWN)
    done = deployed.run(sys.executable, "-c", "import sys; print(sys.own)", PYTHONPATH=path, **LOCK)

    assert done.stdout == "1\n"


def test_an_error_in_the_users_own_hook_is_said_as_ever_and_the_lock_is_applied(
    deployed: Any,
) -> None:
    path = own_site(deployed, "raise ValueError('mine')\n")
    done = deployed.run(PYTHONPATH=path, **LOCK)

    assert json.loads(done.stdout) == {"deferred": True, "value": 42}
    assert "ValueError: mine" in done.stderr


def test_a_module_the_users_own_hook_misses_is_said_as_ever(deployed: Any) -> None:
    path = own_site(deployed, "import no_such_module\n")
    done = deployed.run(PYTHONPATH=path, **LOCK)

    assert json.loads(done.stdout)["value"] == 42
    assert "no_such_module" in done.stderr


def test_the_users_own_hook_sees_the_lock_applied(deployed: Any) -> None:
    folder = str(deployed.folder)
    source = f"import sys\nsys.path.insert(0, {folder!r})\nimport app\n"
    source += "sys.own = 'heavy' in sys.modules\n"
    path = own_site(deployed, source)

    assert asked(deployed, "import sys; print(sys.own)", path) == "False"


PATHS = ["", "/one", "/one:/two words", "/one::/two", "relative"]


@pytest.mark.parametrize("rest", PATHS)
def test_the_path_is_what_it_would_be_without(rest: str, deployed: Any) -> None:
    program = "import sys, os; print(sys.path, os.environ.get('PYTHONPATH'))"
    plain = deployed.run(sys.executable, "-c", program, PYTHONPATH=rest).stdout.strip()
    path = f"{SITE}{os.pathsep}{rest}" if rest else SITE
    found = asked(deployed, program, path)

    assert found.replace("None", "").strip() == plain.replace("None", "").strip()


def test_children_do_not_get_the_bootstrap_by_accident(deployed: Any) -> None:
    child = "import sys; print('coldcache' in sys.modules, 'coldcache.auto' in sys.modules)"
    program = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"

    assert asked(deployed, program) == "False False"


def test_children_made_by_fork_keep_the_plan(deployed: Any) -> None:
    program = (
        "import os, sys\nsys.path.insert(0, '.')\n"
        "if os.fork() == 0:\n    import app\n"
        "    print('heavy' not in sys.modules, app.use(), flush=True)\n    os._exit(0)\n"
        "os.wait()"
    )

    assert asked(deployed, program) == "True 42"


def test_spawned_workers_start_without_a_plan_and_work(deployed: Any) -> None:
    (deployed.folder / "spawn.py").write_text(
        "import multiprocessing, app\n"
        "if __name__ == '__main__':\n"
        "    with multiprocessing.get_context('spawn').Pool(1) as pool:\n"
        "        print(pool.apply(app.use))\n"
    )
    done = deployed.run(sys.executable, "spawn.py", **LOCK)

    assert (done.stdout, done.stderr) == ("42\n", "")


def test_little_is_loaded_for_it(deployed: Any) -> None:
    program = "import sys; print(sorted(sys.modules))"
    plain = deployed.run(sys.executable, "-c", program, PYTHONPATH="").stdout
    ours = asked(deployed, program)
    added = set(json.loads(ours.replace("'", '"'))) - set(json.loads(plain.replace("'", '"')))
    foreign = {name for name in added if not name.startswith(("coldcache", "sitecustomize"))}

    assert foreign - {*sys.builtin_module_names} <= {"__future__"}


def test_names_of_the_bootstrap_do_not_stay_behind(deployed: Any) -> None:
    program = "import sys, builtins; print('sitecustomize' in vars(builtins), sys.argv)"

    assert asked(deployed, program) == "False ['-c']"


def test_an_environment_without_coldcache_on_the_path_works(deployed: Any) -> None:
    layer = deployed.folder / "layer"
    package = AUTO.parent
    for path in package.rglob("*"):
        if path.is_file() and path.suffix != ".pyc":
            target = layer / "coldcache" / path.relative_to(package)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    done = deployed.run(
        sys.executable, "-S", "-c", "import sys; print('coldcache' in sys.modules)", **LOCK
    )
    assert (done.stdout, done.stderr) == ("False\n", "")
    program = f"import site; site.main()\nimport sys; sys.path.insert(0, '.')\n{deployed.main}"
    site = str(layer / "coldcache" / "auto" / "site")
    done = deployed.run(sys.executable, "-S", "-c", program, PYTHONPATH=site, **LOCK)

    assert (json.loads(done.stdout), done.stderr) == ({"deferred": True, "value": 42}, "")


def test_a_core_that_cannot_be_loaded_is_said_in_a_line(deployed: Any) -> None:
    broken = deployed.folder / "coldcache"
    (broken / "auto" / "site").mkdir(parents=True)
    (broken / "__init__.py").write_text("raise ImportError('no core for this platform')\n")
    (broken / "auto" / "__init__.py").write_text("")
    ours = (AUTO / "site" / "sitecustomize.py").read_text()
    (broken / "auto" / "site" / "sitecustomize.py").write_text(ours)
    path = f"{broken / 'auto' / 'site'}{os.pathsep}{deployed.folder}"
    found = deployed.facts(PYTHONPATH=path, **LOCK)

    assert not found["deferred"]
    [line] = found["said"]
    assert "no core for this platform" in line
