"""What happens to a deployment: replicas die, containers are stopped, models are trained again, disks fill up."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import yaml

from service.intake import keys
from tests.deploy.load import LOST, REFUSED, Callers
from tests.deploy.stack import Stack, docker, image, versions

pytestmark = [pytest.mark.deploy, pytest.mark.timeout(3600)]

HARDENED = ("--rm", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges:true", "--tmpfs", "/tmp")


def asking(url: str, photo: bytes) -> Callable[[httpx.Client], httpx.Response]:
    return lambda client: client.post(f"{url}/predict", files={"image": photo}, data={"text": "used mug"})


@pytest.fixture(scope="module")
def scaled(small: Stack) -> Iterator[Stack]:
    """The same with two replicas more, and the proxy in front of the three."""
    small.overridden["HAPROXY_IMAGE"] = image("haproxy:3.2-alpine", "haproxy")
    all_healthy(small)
    yield small
    small("--profile", "scale", "rm", "--stop", "--force", "proxy", "replica")


def all_healthy(stack: Stack) -> None:
    """Every replica runs, and the proxy has noticed."""
    stack("--profile", "scale", "up", "--detach", "--no-build")
    stack.wait_until_healthy(("service", "replica"))
    time.sleep(5)


def test_a_retrained_version_is_taken_over_with_nothing_lost(small: Stack, photo: bytes) -> None:
    before = max(versions(small.url(), "shop"))
    with Callers(asking(small.url(), photo), 4).calling() as callers:
        callers.wait_for_answers(20)
        # The working directory holds the volumes, so that this reads as in the documentation.
        done = small(
            "run", "--rm", "train", "fit", "--from", f"models/shop/{before}", "data/manifest.csv", "--epochs", "1"
        )
        until = time.monotonic() + 180
        while versions(small.url(), "shop").get(before + 1) != "ready":
            assert time.monotonic() < until, small("logs", "--tail", "20", "service")
            time.sleep(1)
        callers.wait_for_answers(20)
    print(callers)

    assert f"shop version {before + 1}" in " ".join(done.split())
    assert set(callers.outcomes) == {200}
    assert set(callers.versions) == {before, before + 1}


@pytest.mark.parametrize("how", [("kill", "--signal", "KILL"), ("stop",)])
def test_a_replica_that_goes_under_load_costs_no_request(how: tuple[str, ...], scaled: Stack, photo: bytes) -> None:
    victim = scaled.containers("replica")[0]
    with Callers(asking(scaled.url("PROXY_PORT"), photo), 12).calling() as callers:
        callers.wait_for_answers(100)
        docker(*how, victim)
        callers.wait_for_answers(100)
    print(callers)
    docker("start", victim)
    all_healthy(scaled)

    assert set(callers.outcomes) == {200}
    assert callers.outcomes[200] > 200


def test_the_proxy_refuses_what_is_too_large_and_keeps_the_admin_routes_shut(scaled: Stack) -> None:
    url = scaled.url("PROXY_PORT")
    # Only announced: it is refused before any of it is sent.
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=30)
    connection.putrequest("POST", "/predict")
    connection.putheader("Content-Length", str(100 * 2**20))
    connection.endheaders()
    answer = connection.getresponse()

    assert answer.status == 413
    assert json.loads(answer.read())["type"] == "urn:bifocal:problem:too-large"
    assert httpx.post(f"{url}/admin/models/shop/activate", json={"version": 1}).status_code == 403


def test_a_service_that_is_stopped_under_load_answers_all_that_it_has_accepted(small: Stack, photo: bytes) -> None:
    before = small("logs", "--no-color", "service").count('"status": 200')
    # Not over the published port, where the engine's own proxy accepts connections after the service has ended.
    with Callers(asking(small.address(small.container()), photo), 8).calling() as callers:
        callers.wait_for_answers(50)
        small("stop", "service")
    print(callers)
    state = small.inspect(small.container())["State"]
    small("up", "--detach", "--no-build", "service")
    small.wait_until_healthy()

    # A connection that the kernel took, and the service not yet when it closed its port, is reset: no request of it was
    # ever accepted. Whatever was is in the log, by its id.
    log = small("logs", "--no-color", "service")
    assert callers.lost == [] or not any(identifier in log for identifier in callers.lost)
    assert log.count('"status": 200') - before >= callers.outcomes[200] > 50
    assert all(outcome in (200, 503, REFUSED) or str(outcome).startswith(LOST) for outcome in callers.outcomes)
    assert callers.outcomes[REFUSED] > 0
    assert (state["ExitCode"], state["OOMKilled"]) == (0, False)


def test_a_full_disk_is_told_and_leaves_no_half_of_a_model(small: Stack) -> None:
    volume = f"{small.name}_full"
    # Room for a folder, and not for a model.
    options = ["type=tmpfs", "device=tmpfs", "o=size=128k,uid=10001,mode=755"]
    docker("volume", "create", *(part for option in options for part in ("--opt", option)), volume)
    data = ["--volume", f"{small.variables['DATA']}:/data:ro", "--volume", f"{small.name}_runs:/runs"]
    try:
        printed = docker(
            *("run", *HARDENED, *data, "--volume", f"{volume}:/models"),
            *("bifocal-training", "fit", "data/recipe.yaml", "--epochs", "1"),
            check=False,
        )
    finally:
        docker("volume", "rm", volume)

    assert "No space left on device" in printed
    assert "Traceback" not in printed
    assert "fit --resume runs/" in printed
    assert ".incoming" not in printed


def test_a_models_volume_that_is_read_only_is_told_before_anything_is_trained(small: Stack) -> None:
    data = ["--volume", f"{small.variables['DATA']}:/data:ro", "--volume", f"{small.name}_runs:/runs"]
    printed = docker(
        *("run", *HARDENED, *data, "--volume", f"{small.name}_models:/models:ro"),
        *("bifocal-training", "fit", "data/recipe.yaml"),
        check=False,
    )

    assert "The folder models can't be written: Read-only file system. Choose another with --models-dir." in printed
    assert "Starting TensorFlow" not in printed


def test_keys_of_a_secret_are_asked_for(small: Stack, photo: bytes) -> None:
    file = small.folder / "secrets" / "keys.json"
    file.parent.mkdir(exist_ok=True)
    key = keys.add(file, "shop", ("predict",))
    file.chmod(0o644)
    small.overridden.update(KEYS_FILE=str(file), BIFOCAL_KEYS="/run/secrets/keys")
    try:
        small("up", "--detach", "--no-build", "service")
        small.wait_until_healthy()
        without = httpx.post(f"{small.url()}/predict", files={"image": photo}, timeout=60)
        with_key = httpx.post(f"{small.url()}/predict", files={"image": photo}, headers={"X-API-Key": key}, timeout=60)
    finally:
        for name in ("KEYS_FILE", "BIFOCAL_KEYS"):
            del small.overridden[name]
        small("up", "--detach", "--no-build", "service")
        small.wait_until_healthy()

    assert (without.status_code, with_key.status_code) == (401, 200)


def test_prometheus_sees_every_container_and_knows_what_alerts_and_dashboard_ask(small: Stack, photo: bytes) -> None:
    small.overridden["PROMETHEUS_IMAGE"] = image("prom/prometheus:v3.5.0", "prometheus")
    small("--profile", "monitoring", "up", "--detach", "--no-build", "prometheus")
    api = f"{small.url('PROMETHEUS_PORT')}/api/v1"
    try:
        until = time.monotonic() + 120
        while value(api, 'sum(up{job="bifocal"})') != 1:
            assert time.monotonic() < until, small("logs", "--tail", "20", "prometheus")
            httpx.post(f"{small.url()}/predict", files={"image": photo}, timeout=60)
            time.sleep(2)
        rules = httpx.get(f"{api}/rules", timeout=30).json()["data"]["groups"]
        asked = [(expression, query(api, expression)) for expression in shown(small.folder)]
    finally:
        small("--profile", "monitoring", "rm", "--stop", "--force", "prometheus")

    assert sum(len(group["rules"]) for group in rules) > 10
    assert [expression for expression, answer in asked if answer["status"] != "success"] == []
    # Rates need several scrapes; what is there at once is there.
    assert value_of(dict(asked)['sum(up{job="bifocal"})']) == 1


def shown(folder: Path) -> list[str]:
    """Every expression of the dashboard and the alerts, with Grafana's own variables filled in."""
    monitoring = folder / "deploy" / "monitoring"
    dashboard = json.loads((monitoring / "grafana" / "dashboards" / "bifocal.json").read_text())
    alerts = yaml.safe_load((monitoring / "alerts.yml").read_text())["groups"]
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    expressions += [rule["expr"] for group in alerts for rule in group["rules"]]
    return [one.replace("$__rate_interval", "1m").replace("$instance", ".*") for one in expressions]


def query(api: str, expression: str) -> dict[str, object]:
    try:
        answer: dict[str, object] = httpx.get(f"{api}/query", params={"query": expression}, timeout=30).json()
    except httpx.TransportError:  # it is just starting
        return {"status": "error"}
    return answer


def value_of(answer: dict[str, object]) -> float | None:
    data = answer.get("data")
    result = data["result"] if isinstance(data, dict) else []
    return float(result[0]["value"][1]) if result else None


def value(api: str, expression: str) -> float | None:
    return value_of(query(api, expression))
