"""The configurations in docs/readiness.md: parsed, and what they name is what a probe answers."""

from __future__ import annotations

import http.client
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from coldcache.web import _address, probe
from coldcache.web._readiness import here

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "readiness.md").read_text("utf-8")


def block(language: str, first_line: str = "") -> str:
    found = re.search(rf"^```{language}\n({re.escape(first_line)}.*?)^```$", PAGE, re.M | re.S)
    assert found, f"no {language} block"
    return found[1]


def container(name: str) -> dict[str, Any]:
    yaml = pytest.importorskip("yaml", reason="NOT TESTED: pyyaml is missing")
    found: dict[str, Any] = yaml.safe_load(block("yaml", f"# {name}\n"))
    if name == "cloud-run":
        found = found["spec"]["template"]["spec"]
    (only,) = found["containers"]
    return dict(only)


@pytest.mark.parametrize("name", ["kubernetes", "cloud-run"])
def test_the_probes_ask_for_paths_that_are_answered_on_the_port_that_is_opened(name: str) -> None:
    it = container(name)
    (variable,) = it["env"]
    assert variable["name"] == "COLDCACHE_PROBE"
    host, port = _address.parse(variable["name"], variable["value"])
    asked = {key: it[key] for key in it if key.endswith("Probe")}
    assert {one["httpGet"]["port"] for one in asked.values()} == {port}
    assert host == "0.0.0.0"  # the kubelet comes from outside

    here.forget()  # other tests have warmed up in this process
    address = probe.start(port=0)
    try:
        for key, one in asked.items():
            connection = http.client.HTTPConnection(*address)
            connection.request("GET", one["httpGet"]["path"])
            wanted = 200 if key == "livenessProbe" else 503  # nothing is warm here
            assert connection.getresponse().status == wanted, key
            connection.close()
    finally:
        probe.stop()


def test_a_startup_of_cloud_run_is_within_its_limit() -> None:
    startup = container("cloud-run")["startupProbe"]

    assert startup["periodSeconds"] * startup["failureThreshold"] <= 240


def test_the_azure_function_is_one() -> None:
    pytest.importorskip("azure.functions", reason="NOT TESTED: azure-functions is missing")
    program = block("azure") + (
        "\nfunction, = app.get_functions()\n"
        "assert function.get_function_name() == 'warmup'\n"
        "assert function.get_trigger().type == 'warmupTrigger', function.get_trigger().type\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=50, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.timeout(420)  # may install them
def test_haproxy_accepts_its_configuration(tmp_path: Path, server_programs: dict[str, str]) -> None:
    (tmp_path / "haproxy.cfg").write_text(block("haproxy"))
    done = subprocess.run(
        [server_programs["haproxy"], "-c", "-f", str(tmp_path / "haproxy.cfg")],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.timeout(420)  # likewise
def test_nginx_accepts_its_configuration(tmp_path: Path, server_programs: dict[str, str]) -> None:
    configuration = tmp_path / "nginx.conf"
    configuration.write_text(
        f"pid {tmp_path}/pid;\nevents {{}}\nhttp {{\n"
        + "".join(
            f"{kind}_temp_path {tmp_path}/{kind};\n"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        + f"access_log off;\n{block('nginx')}}}\n"
    )
    done = subprocess.run(
        [
            server_programs["nginx"],
            "-t",
            "-e",
            "stderr",
            "-c",
            str(tmp_path / "nginx.conf"),
            "-p",
            str(tmp_path),
        ],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 0, done.stderr
