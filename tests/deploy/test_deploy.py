"""What runs warnsys elsewhere: units, compose file and manifests are valid, and start commands that exist."""

import importlib.metadata
import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import typer
import yaml

from streams.worker.trial import Limits
from tools.local_kafka import VERSION
from warnsys.cli.main import app
from warnsys.settings import ENVIRONMENT_PREFIX, PASSWORD, Settings

ROOT = Path(__file__).parent.parent.parent
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
PROGRAM = "/opt/warnsys/.venv/bin/warnsys"
OURS = {"feed", "worker", "web", "audit", "canary"}


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    return found


def manifests() -> Iterator[dict[str, Any]]:
    for file in MANIFESTS:
        yield from yaml.safe_load_all(file.read_text("utf-8"))


def pods() -> dict[str, dict[str, Any]]:
    """The pod of every workload, by its name."""
    return {
        one["metadata"]["name"]: one["spec"]["template"]["spec"] for one in manifests() if "template" in one["spec"]
    }


def commands() -> Iterator[list[str]]:
    """Every command line of ours that something here starts."""
    for unit in UNITS:
        for line in re.findall(rf"^ExecStart={PROGRAM} (.*)$", unit.read_text("utf-8"), re.MULTILINE):
            yield line.split()
    for service in compose()["services"].values():
        if "warnsys" in service["image"]:
            yield service["command"]
    for pod in pods().values():
        for container in pod["containers"]:
            if container["image"].startswith("warnsys:"):
                yield container["args"]


def test_every_unit_is_valid_for_systemd(tmp_path: Path) -> None:
    systemd = shutil.which("systemd-analyze")
    assert systemd, "systemd-analyze is missing: install systemd"
    here = str(Path(sys.executable).parent / "warnsys")
    for unit in UNITS:
        name = unit.name.replace("@.", "@2.")
        (tmp_path / name).write_text(unit.read_text("utf-8").replace(PROGRAM, here), "utf-8")
    units = sorted(map(str, tmp_path.iterdir()))
    done = subprocess.run([systemd, "verify", "--man=no", *units], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_every_process_is_started_again_however_often_it_ended() -> None:
    for unit in UNITS:
        text = unit.read_text("utf-8")
        assert "Restart=always" in text, unit.name
        assert "StartLimitIntervalSec=0" in text, unit.name


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_every_command_that_is_started_exists_with_its_options(words: list[str]) -> None:
    command: Any = typer.main.get_command(app)
    while hasattr(command, "commands"):
        assert words[0] in command.commands, words
        command, words = command.commands[words[0]], words[1:]
    command.make_context("warnsys", list(words))


@pytest.mark.parametrize("file", MANIFESTS, ids=lambda file: file.name)
def test_every_manifest_is_valid_for_kubernetes(file: Path) -> None:
    for manifest in yaml.safe_load_all(file.read_text("utf-8")):
        for version in ("1.30", kubernetes_validate.latest_version()):
            kubernetes_validate.validate(manifest, version, strict=True)


def test_every_container_has_probes_and_resources_and_no_more_rights_than_it_needs() -> None:
    for name, pod in pods().items():
        for container in pod["containers"]:
            assert {"requests", "limits"} <= container["resources"].keys(), name
            assert container["securityContext"]["allowPrivilegeEscalation"] is False, name
            assert pod["securityContext"]["runAsNonRoot"] is True, name
            if name != "topics":
                assert {"readinessProbe", "livenessProbe"} <= container.keys(), name


def test_the_compose_file_keeps_to_the_compose_specification() -> None:
    files = importlib.metadata.files("check-jsonschema") or []
    (schema,) = (file for file in files if file.name == "compose-spec.json")
    jsonschema.validate(compose(), json.loads(schema.read_text("utf-8")))


def test_no_secret_stands_in_a_file() -> None:
    for file in (path for path in DEPLOY.rglob("*") if path.is_file()):
        text = file.read_text("utf-8")
        assert not re.search(rf"{PASSWORD}\W*[=:][ \t]*[\"']?\w", text), file
        assert not re.search(r"GF_SECURITY_ADMIN_PASSWORD: (?!\$\{)\S", text), file


def test_every_setting_given_by_the_environment_is_one() -> None:
    text = "".join(path.read_text("utf-8") for path in DEPLOY.rglob("*") if path.is_file())
    for name in set(re.findall(rf"\b{ENVIRONMENT_PREFIX}[A-Z]+__[A-Z_]+\b", text)):
        model: Any = Settings
        for part in name.removeprefix(ENVIRONMENT_PREFIX).lower().split("__"):
            assert part in model.model_fields, name
            model = model.model_fields[part].annotation


def aliases(service: dict[str, Any]) -> list[str]:
    found: list[str] = service.get("networks", {}).get("default", {}).get("aliases", [])
    return found


def workers() -> list[dict[str, Any]]:
    return [one for name, one in compose()["services"].items() if name.startswith("worker-")]


def test_what_a_worker_had_in_hand_outlives_its_container_and_is_its_own() -> None:
    folders, names = set(), set()
    for one in workers():
        folder = one["environment"]["WARNSYS_RUNTIME_FOLDER"]
        (volume,) = (mount.split(":")[0] for mount in one["volumes"] if mount.split(":")[1] == folder)
        folders.add(volume)
        names.add(one["environment"]["WARNSYS_BROKER__INSTANCE"])
        assert volume in compose()["volumes"]
    assert len(folders) == len(names) == 3
    (pod,) = (pod for name, pod in pods().items() if name == "worker")
    assert {"name": "tmp", "emptyDir": {}} in pod["volumes"], "an emptyDir lives as long as the pod"


def test_a_worker_may_take_what_two_trials_take_beside_it() -> None:
    most = 512 * 1024**2 + 2 * Limits().bytes
    (container,) = pods()["worker"]["containers"]
    limits = [container["resources"]["limits"]["memory"], *(one["mem_limit"] for one in workers())]
    assert {text: int(text.rstrip("Gig")) * 1024**3 >= most for text in limits} == dict.fromkeys(limits, True)


def test_three_brokers_and_several_workers_and_everything_is_scraped() -> None:
    services = compose()["services"]
    assert sum(name.startswith("worker-") for name in services) == 3
    assert sum(name.startswith("kafka-") for name in services) == 3
    sets = {one["metadata"]["name"]: one["spec"] for one in manifests() if one["kind"] in ("StatefulSet", "Deployment")}
    assert (sets["kafka"]["replicas"], sets["worker"]["replicas"], sets["audit"]["replicas"]) == (3, 3, 1)
    scraped = yaml.safe_load((DEPLOY / "prometheus" / "containers.yaml").read_text("utf-8"))["scrape_configs"][0]
    names = {name for one in scraped["dns_sd_configs"] for name in one["names"]}
    assert names == OURS
    assert names <= services.keys() | {alias for one in services.values() for alias in aliases(one)}
    assert names <= {one["metadata"]["name"] for one in manifests() if one["kind"] == "Service"}


def test_one_version_of_ours_and_of_kafka_everywhere() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    text = "".join(path.read_text("utf-8") for path in (DEPLOY / "compose.yaml", *MANIFESTS))
    assert set(re.findall(r"warnsys:(?:\$\{WARNSYS_VERSION:-)?([\d.]+)", text)) == {version}
    assert set(re.findall(r"apache/kafka:([\d.]+)", text)) == {VERSION}
    assert yaml.safe_load((DEPLOY / "kustomization.yaml").read_text("utf-8"))["images"][0]["newTag"] == version


@pytest.mark.parametrize("name", ["prometheus.yaml", "containers.yaml"])
def test_promtool_accepts_the_configuration(name: str) -> None:
    promtool = shutil.which("promtool")
    assert promtool, "promtool is missing: install Prometheus (Debian: prometheus)"
    done = subprocess.run(
        [promtool, "check", "config", name], cwd=DEPLOY / "prometheus", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
