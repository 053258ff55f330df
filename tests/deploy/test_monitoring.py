"""Alarm rules and dashboard: valid, tried out, and about figures that exist."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from warnsys.metrics import Metrics

DEPLOY = Path(__file__).parent.parent.parent / "deploy"
RULES = DEPLOY / "prometheus" / "warnsys.rules.yaml"
DASHBOARD = DEPLOY / "grafana" / "warnsys.json"


def served() -> set[str]:
    """Every series that a process can serve."""
    names = {metric.name for metric in Metrics().registry.collect()}
    counters = {f"{metric.name}_total" for metric in Metrics().registry.collect() if metric.type == "counter"}
    buckets = {f"{metric.name}_bucket" for metric in Metrics().registry.collect() if metric.type == "histogram"}
    return names | counters | buckets


def named(text: str) -> set[str]:
    return set(re.findall(r"warnsys_[a-z_]+", text))


def test_every_figure_that_a_rule_names_is_served() -> None:
    rules = [rule for group in yaml.safe_load(RULES.read_text("utf-8"))["groups"] for rule in group["rules"]]
    assert rules
    assert named(" ".join(rule["expr"] for rule in rules)) <= served()
    assert all(rule["annotations"].keys() == {"summary", "remedy"} for rule in rules)


def test_every_figure_that_the_dashboard_draws_is_served() -> None:
    panels = json.loads(DASHBOARD.read_text("utf-8"))["panels"]
    drawn = named(" ".join(target["expr"] for panel in panels for target in panel["targets"]))
    assert drawn <= served()
    assert len(drawn) >= 12


@pytest.mark.parametrize("command", [("check", "rules", RULES.name), ("test", "rules", "warnsys.rules.test.yaml")])
def test_promtool_accepts_the_rules(command: tuple[str, ...]) -> None:
    promtool = shutil.which("promtool")
    assert promtool, "promtool is missing: install Prometheus (Debian: prometheus)"
    done = subprocess.run([promtool, *command], cwd=RULES.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
