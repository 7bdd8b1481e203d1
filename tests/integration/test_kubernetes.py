"""The manifests in deploy/kubernetes, held against the API's schemas and against what the service really has.

Where there is a kubectl, its kustomize builds them; without one, the files are looked at as they are.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from typer.main import get_command

from service.observation.metrics import Metrics
from service.settings import PREFIX, Settings, load_settings
from tests.service.running import serving
from tests.service.stand_in import write_bundle
from training.cli import app as training_app
from training.recipe import Recipe

DEPLOY = Path(__file__).parents[2] / "deploy" / "kubernetes"
OVERLAYS = ("common", "service", "queue", "monitoring", "training", "job", "distributed", "kserve")
# The oldest that has `preStop: sleep` without a switch, and the newest that the schemas are of.
VERSIONS = ("1.30", "1.37")
# Of kinds that no Kubernetes has by itself, the fields in which no pod is described, as KServe's and Kubeflow's own Python
# models have them; those of ServiceMonitor were compared with nothing.
FIELDS_AROUND_A_POD = {
    "InferenceService": {"minReplicas", "maxReplicas", "scaleMetric", "scaleTarget", "timeout"},
    "TFJob": {
        "runPolicy": {"cleanPodPolicy", "backoffLimit"},
        "tfReplicaSpecs": {"replicas", "restartPolicy", "template"},
    },
    "ServiceMonitor": {"port", "path", "interval", "authorization"},
}

Manifest = dict[str, Any]


def read(file: str) -> Manifest:
    found: Manifest = yaml.safe_load((DEPLOY / file).read_text(encoding="utf-8"))
    return found


def manifests(overlay: str) -> dict[str, Manifest]:
    """By kind what a folder's own files have, but for ConfigMaps, of which kustomize makes several."""
    files = [file for file in read(f"{overlay}/kustomization.yaml")["resources"] if file.endswith(".yaml")]
    return {manifest["kind"]: manifest for manifest in (read(f"{overlay}/{file}") for file in files)}


ALL = {f"{overlay}/{kind}": manifest for overlay in OVERLAYS for kind, manifest in manifests(overlay).items()}


def pods(kinds: Mapping[str, Manifest]) -> Iterator[tuple[str, Manifest]]:
    """What each manifest that describes pods says of one: name of the manifest, PodSpec."""
    for name, manifest in kinds.items():
        spec = manifest.get("spec", {})
        if manifest["kind"] in ("Deployment", "Job"):
            yield name, spec["template"]["spec"]
        elif manifest["kind"] == "TFJob":
            yield name, spec["tfReplicaSpecs"]["Worker"]["template"]["spec"]
        elif manifest["kind"] == "InferenceService":
            own = FIELDS_AROUND_A_POD["InferenceService"]
            yield name, {key: value for key, value in spec["predictor"].items() if key not in own}


PODS = dict(pods(ALL))
SERVING = [PODS["service/Deployment"], PODS["kserve/InferenceService"]]


def as_the_api_has_it(manifest: Manifest, version: str) -> None:
    """Refuses what the schema does not know."""
    kubernetes_validate.validate(manifest, version, strict=True)


def settings_of(pod: Manifest) -> dict[str, str]:
    """The environment of the only container; of ConfigMaps, what settings.env makes."""
    (container,) = pod["containers"]
    lines = (DEPLOY / "service" / "settings.env").read_text(encoding="utf-8").splitlines()
    from_file = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    named = {one["name"]: one["value"] for one in container.get("env", [])}
    return (from_file if "envFrom" in container else {}) | named


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", [name for name in ALL if name.split("/")[1] not in FIELDS_AROUND_A_POD])
def test_a_manifest_has_only_fields_that_kubernetes_knows(name: str, version: str) -> None:
    as_the_api_has_it(ALL[name], version)


@pytest.mark.parametrize("name", PODS)
def test_a_pod_of_any_kind_has_only_fields_that_kubernetes_knows(name: str) -> None:
    for version in VERSIONS:
        as_the_api_has_it({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": PODS[name]}, version)


def test_an_unknown_field_is_found() -> None:
    broken = {**ALL["service/Service"], "spec": {**ALL["service/Service"]["spec"], "selectr": {}}}
    with pytest.raises(kubernetes_validate.ValidationError, match="selectr"):
        as_the_api_has_it(broken, VERSIONS[-1])


def test_kinds_of_others_have_only_the_fields_that_they_were_read_to_have() -> None:
    job, monitor = ALL["distributed/TFJob"]["spec"], ALL["monitoring/ServiceMonitor"]["spec"]

    assert job["runPolicy"].keys() == FIELDS_AROUND_A_POD["TFJob"]["runPolicy"]
    assert job["tfReplicaSpecs"]["Worker"].keys() == FIELDS_AROUND_A_POD["TFJob"]["tfReplicaSpecs"]
    assert monitor["endpoints"][0].keys() == FIELDS_AROUND_A_POD["ServiceMonitor"]
    assert PODS["distributed/TFJob"]["containers"][0]["name"] == "tensorflow"
    assert PODS["distributed/TFJob"]["containers"][0]["ports"][0]["name"] == "tfjob-port"


@pytest.mark.parametrize("name", PODS)
def test_a_pod_has_no_right_that_it_does_not_need(name: str) -> None:
    pod, (container,) = PODS[name], PODS[name]["containers"]

    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == 10001
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["resources"]["limits"].keys() >= {"cpu", "memory"}


@pytest.mark.parametrize("name", PODS)
def test_what_a_container_mounts_is_a_volume_of_its_pod(name: str) -> None:
    pod, (container,) = PODS[name], PODS[name]["containers"]
    mounted = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}

    assert sorted(mounted.values()) == sorted(volume["name"] for volume in pod["volumes"])
    assert all(volume["emptyDir"].get("sizeLimit") for volume in pod["volumes"] if "emptyDir" in volume)
    claims = {manifest["metadata"]["name"] for key, manifest in ALL.items() if key.endswith("PersistentVolumeClaim")}
    wanted = {one["persistentVolumeClaim"]["claimName"] for one in pod["volumes"] if "persistentVolumeClaim" in one}
    assert wanted - claims <= {"bifocal-data"}  # the user's own


@pytest.mark.parametrize("pod", SERVING, ids=["Deployment", "InferenceService"])
def test_settings_are_ones_that_the_service_has_and_fit_the_pod(pod: Manifest, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = settings_of(pod)
    for name, value in environment.items():
        assert name.removeprefix(PREFIX).lower() in Settings.model_fields
        monkeypatch.setenv(name, value)
    settings = load_settings({})
    (container,) = pod["containers"]
    mounted = {Path(mount["mountPath"]) for mount in container["volumeMounts"]}

    assert container["ports"][0]["containerPort"] == settings.port
    assert settings.keys is not None
    assert {settings.models, settings.state_dir, settings.keys.parent} <= mounted
    assert settings.host == "0.0.0.0"  # noqa: S104  (others are to reach it)


@pytest.mark.parametrize("pod", SERVING, ids=["Deployment", "InferenceService"])
def test_a_pod_has_longer_to_end_than_the_service_takes(pod: Manifest) -> None:
    settings = Settings(**{name.removeprefix(PREFIX).lower(): value for name, value in settings_of(pod).items()})
    (container,) = pod["containers"]
    before = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)

    assert before + settings.drain_pause_s >= 5  # seconds for balancers to notice
    assert pod["terminationGracePeriodSeconds"] >= before + settings.drain_pause_s + settings.drain_timeout_s + 5


@pytest.mark.parametrize("pod", SERVING, ids=["Deployment", "InferenceService"])
def test_probes_ask_routes_that_are_there_without_a_key(pod: Manifest, tmp_path: Path) -> None:
    models = tmp_path / "models"
    write_bundle(models)
    (tmp_path / "keys.json").write_text('{"keys": []}')
    (container,) = pod["containers"]
    ports = {container["ports"][0]["name"], container["ports"][0]["containerPort"]}

    with serving(models, keys=tmp_path / "keys.json") as client:
        for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
            probe = container[kind]["httpGet"]
            assert probe["port"] in ports
            assert client.get(probe["path"]).status_code == 200
        assert client.get("/models").status_code == 401


def test_selectors_match_the_labels_of_the_pods() -> None:
    of_pods = ALL["service/Deployment"]["spec"]["template"]["metadata"]["labels"]
    selectors = [
        ALL["service/Deployment"]["spec"]["selector"]["matchLabels"],
        ALL["service/Service"]["spec"]["selector"],
        ALL["service/PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
        ALL["service/NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
    ]
    training = ALL["job/Job"]["spec"]["template"]["metadata"]["labels"]
    worker = ALL["distributed/TFJob"]["spec"]["tfReplicaSpecs"]["Worker"]["template"]["metadata"]["labels"]

    assert all(selector.items() <= of_pods.items() for selector in selectors)
    assert not any(selector.items() <= training.items() for selector in selectors)
    assert ALL["distributed/NetworkPolicy"]["spec"]["podSelector"]["matchLabels"].items() <= worker.items()
    names = [port["name"] for port in PODS["service/Deployment"]["containers"][0]["ports"]]
    assert ALL["service/Service"]["spec"]["ports"][0]["targetPort"] in names
    assert ALL["service/NetworkPolicy"]["spec"]["ingress"][0]["ports"][0]["port"] in names
    assert ALL["service/HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]["name"] == "bifocal"


def test_the_queue_is_scaled_by_a_metric_that_the_service_has() -> None:
    class Queue:
        waiting = 3

    queue = Queue()
    metrics = Metrics()
    metrics.watch_queue("mugs", queue)
    text = metrics.exposition("")[0].decode()
    metric = read("queue/autoscaler.yaml")["spec"]["metrics"][0]["pods"]["metric"]["name"]
    (rule,) = read("queue/adapter_rules.yaml")["rules"]["custom"]

    assert f'{metric}{{model="mugs",queue="predict"}} 3.0' in text
    assert rule["seriesQuery"].startswith(f"{metric}{{")
    assert rule["name"]["as"] == metric
    assert 'queue="predict"' in rule["metricsQuery"]


@pytest.mark.parametrize("name", ["job/Job", "distributed/TFJob"])
def test_training_is_started_as_its_command_line_is(name: str) -> None:
    command, recipe, *options = PODS[name]["containers"][0]["args"]
    known = {flag for option in get_command(training_app).commands[command].params for flag in option.opts}  # type: ignore[attr-defined]

    assert set(options[::2]) <= known
    mounted = {mount["mountPath"] for mount in PODS[name]["containers"][0]["volumeMounts"]}
    folders = {value for flag, value in zip(options[::2], options[1::2], strict=True) if flag.endswith("-dir")}
    assert {str(Path(recipe).parent), *folders} <= mounted
    Recipe.parse(read("training/recipe.yaml"), what=recipe)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_kustomize_builds_each_folder_and_what_it_builds_is_valid(overlay: str) -> None:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    command = ["kubectl", "kustomize", str(DEPLOY / overlay)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    built = list(yaml.safe_load_all(done.stdout))

    for manifest in built:
        if manifest["kind"] not in FIELDS_AROUND_A_POD:
            as_the_api_has_it(manifest, VERSIONS[-1])
    names = {manifest["metadata"]["name"] for manifest in built if manifest["kind"] == "ConfigMap"}
    by_kind = {manifest["kind"]: manifest for manifest in built}
    for _, pod in pods(by_kind):
        image = pod["containers"][0]["image"]
        assert image.partition(":")[2] == "0.1.0"
        wanted = {volume["configMap"]["name"] for volume in pod["volumes"] if "configMap" in volume}
        wanted |= {one["configMapRef"]["name"] for one in pod["containers"][0].get("envFrom", [])}
        assert wanted <= names  # with the digests that kustomize gave them
    if overlay == "queue":
        (metric,) = by_kind["HorizontalPodAutoscaler"]["spec"]["metrics"]
        assert metric["type"] == "Pods"
        assert by_kind["HorizontalPodAutoscaler"]["spec"]["minReplicas"] == 2
