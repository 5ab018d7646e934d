"""How a run ends early, and what the lab needs to compare a function with itself."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from coldcache.tools.lab import Event, LabPlan, Target, run_lab


@pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_command_and_every_trial(
    which: signal.Signals,
    needs_runtime_client: None,
    write_files: Callable,
    write_event: Callable,
    workplace: Path,
    command_environment: dict[str, str],
    group_ends: Callable[[int], bool],
) -> None:
    write_files(
        {
            "app.py": """
            import os, pathlib, signal
            def handler(event, context):
                pathlib.Path(event["pipe"]).write_text(f"{os.getpgid(0)}\\n")
                signal.pause()
            """
        }
    )
    pipe = workplace / "pipe"
    os.mkfifo(pipe)
    event = write_event({"pipe": str(pipe)})
    command = [sys.executable, "-m", "coldcache", "optimize", "src:app.handler", "--event", event]

    with subprocess.Popen(
        command, env=command_environment, stderr=subprocess.PIPE, text=True
    ) as process:
        # Opening waits until the function writes: by then a trial is under way.
        group = int(pipe.read_text())
        process.send_signal(which)
        _, said = process.communicate(timeout=30)

    assert process.returncode == 128 + which
    assert f"stopped by {which.name}" in said
    assert group_ends(group)
    assert not list(Path(command_environment["TMPDIR"]).iterdir())


@pytest.mark.usefixtures("needs_runtime_client")
def test_the_lab_gives_each_variant_its_own_variables(
    write_function: Callable[..., str],
) -> None:
    target = Target.parse(
        write_function(
            """
            import os
            def handler(event, context):
                return [os.environ.get(name) for name in ("BOTH", "OWN")]
            """
        )
    )
    plan = LabPlan(
        target=target,
        baseline=target,
        events=(Event("e", b"1"),),
        runs=1,
        warmups=0,
        settings={"BOTH": "x"},
        own_settings={"target": {"OWN": "longer"}},
        names={"target": "planned", "baseline": "plain"},
    )

    result = run_lab(plan)

    lengths = {sample.variant: sample.first_answer.length for sample in result.samples}
    assert lengths == {
        "target": len(json.dumps(["x", "longer"])),
        "baseline": len(json.dumps(["x", None])),
    }
    assert plan.labels == {"target": "planned", "baseline": "plain"}


@pytest.mark.usefixtures("needs_runtime_client")
def test_the_lab_takes_bytecode_of_an_earlier_run(
    write_function: Callable[..., str], tmp_path: Path
) -> None:
    target = Target.parse(write_function("def handler(event, context):\n    return 1\n"))
    pycache = tmp_path / "bytecode"
    pycache.mkdir()

    run_lab(LabPlan(target=target, events=(Event("e", b"1"),), runs=1), pycache=pycache)

    assert list(pycache.rglob("app.*.pyc"))
