"""docker-compose.yml and its like say what is there, and fit together; what they do is tested by tests/deploy."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from service.observation.metrics import Metrics
from service.settings import Settings

ROOT = Path(__file__).parents[1]
COMPOSE = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")
MONITORING = ROOT / "deploy" / "monitoring"
# The image says these, and the volumes and ports of docker-compose.yml go by them.
OF_THE_IMAGE = {"models", "state_dir", "host", "port"}


def example() -> dict[str, str]:
    """Every variable of .env.example with its value."""
    return dict(re.findall(r"^#?([A-Z_]+)=(.*)$", EXAMPLE, re.MULTILINE))


def variables() -> dict[str, str]:
    """Every variable of docker-compose.yml with its default."""
    return dict(re.findall(r"\$\{([A-Z_]+):-([^}]*)\}", COMPOSE))


def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(COMPOSE)["services"]
    return found


def environment(service: str = "service") -> dict[str, str | None]:
    found: dict[str, str | None] = services()[service]["environment"]
    return found


def test_every_setting_of_the_service_can_be_said_in_env() -> None:
    expected = {f"BIFOCAL_{name.upper()}" for name in Settings.model_fields.keys() - OF_THE_IMAGE}

    assert {name for name in environment() if name.startswith("BIFOCAL_")} == expected


def test_the_example_explains_every_variable_and_no_other() -> None:
    assert example().keys() == variables().keys() | environment().keys()
    assert all(re.search(rf"^# [^\n]+\n(#?[A-Z_]+=.*\n)*#{name}=", EXAMPLE, re.MULTILINE) for name in example())


def test_the_example_shows_the_defaults() -> None:
    told = example()
    assert {name: told[name] for name, default in variables().items() if default and "deploy/" not in default} == {
        name: default for name, default in variables().items() if default and "deploy/" not in default
    }
    chosen = Settings()
    for name, field in Settings.model_fields.items():
        variable = f"BIFOCAL_{name.upper()}"
        if variable in told and variable not in variables() and field.default is not None and field.default != ():
            default = getattr(chosen, name)
            if isinstance(default, str):
                assert told[variable] == default, variable
            else:
                assert float(json.loads(told[variable])) == float(default), variable


def test_a_container_is_given_the_time_that_draining_takes() -> None:
    grace = float(variables()["STOP_GRACE_PERIOD"].removesuffix("s"))

    assert grace > float(variables()["BIFOCAL_DRAIN_PAUSE_S"]) + Settings().drain_timeout_s


def test_the_spool_holds_all_bodies_that_are_accepted() -> None:
    assert int(variables()["UPLOADS"].removesuffix("m")) * 2**20 >= Settings().max_pending_bytes


def test_the_proxy_keeps_connections_for_less_long_than_the_service() -> None:
    from service.commands.serve import KEEP_ALIVE_S
    from service.settings import MAX_TIMEOUT_MS

    config = (ROOT / "deploy" / "proxy" / "haproxy.cfg").read_text(encoding="utf-8")
    seconds = {what: int(number) for what, number in re.findall(r"(pool-purge-delay|timeout [a-z-]+) (\d+)s", config)}

    assert seconds["pool-purge-delay"] < KEEP_ALIVE_S
    assert seconds["timeout server"] > MAX_TIMEOUT_MS / 1000
    assert seconds["timeout http-request"] >= Settings().timeout_ms / 1000


@pytest.mark.parametrize("service", sorted(services()))
def test_every_container_is_hardened(service: str) -> None:
    told = services()[service]

    assert told["read_only"] is True
    assert told["cap_drop"] == ["ALL"]
    assert told["security_opt"] == ["no-new-privileges:true"]
    assert "pids_limit" in told
    assert set(told["logging"]["options"]) == {"max-size", "max-file"}
    assert all("127.0.0.1" in port for port in told.get("ports", []))


def test_only_train_and_service_start_by_themselves() -> None:
    assert {name for name, told in services().items() if "profiles" not in told} == {"train", "service"}


def expressions() -> list[str]:
    """Every PromQL expression of the alerts and the dashboard."""
    groups = yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"]
    dashboard = json.loads((MONITORING / "grafana" / "dashboards" / "bifocal.json").read_text())
    shown = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    return [rule["expr"] for group in groups for rule in group["rules"]] + shown


def test_alerts_and_dashboard_ask_for_metrics_that_the_service_has() -> None:
    text, _ = Metrics().exposition("")
    known = set(re.findall(r"^# TYPE (\S+) ", text.decode(), re.MULTILINE))
    asked = {name for one in expressions() for name in re.findall(r"\b(?:bifocal|process)_[a-z_]+", one)}
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in asked}

    assert families <= known
    assert len(families) > 10


PROMTOOL = shutil.which("promtool")


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed")
def test_prometheus_takes_the_alerts() -> None:
    done = subprocess.run(
        [str(PROMTOOL), "check", "rules", str(MONITORING / "alerts.yml")], capture_output=True, text=True
    )

    assert done.returncode == 0, done.stdout + done.stderr
