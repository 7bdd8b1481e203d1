"""What the server can be told, and what it refuses to be told."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from model.errors import SpecError
from service.settings import Settings, load_settings, refuse_unknown_variables


def test_what_is_not_told_has_a_default_that_is_safe_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"BIFOCAL_{name.upper()}", raising=False)

    settings = Settings()

    assert (settings.models, settings.host, settings.port) == (Path("models"), "127.0.0.1", 8000)
    assert settings.max_pixels == 50_000_000


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_can_come_from_the_environment(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    is_switch = Settings.model_fields[name].annotation is bool
    told = {"max_waiting": "1000", "max_pending_bytes": "100000000", "cors_origins": "https://a, https://b"}
    told |= {"backend": "openvino-float32", "precision": "float32"}
    value = "true" if is_switch else told.get(name, "7")
    monkeypatch.setenv(f"BIFOCAL_{name.upper()}", value)

    found = getattr(Settings(), name)
    assert (", ".join(found) if isinstance(found, tuple) else str(found).lower().removesuffix(".0")) == value


def test_a_backend_of_another_precision_than_the_one_told_is_refused() -> None:
    with pytest.raises(SpecError, match=r"BIFOCAL_BACKEND \(frozen-bfloat16\) does not compute in float32"):
        load_settings({"backend": "frozen-bfloat16", "precision": "float32"})


def test_an_argument_counts_more_than_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIFOCAL_PORT", "8080")

    assert Settings(port=9000).port == 9000


@pytest.mark.parametrize(
    ("name", "value"),
    [("port", -1), ("port", 65_536), ("port", "http")]
    + [(name, 0) for name in Settings.model_fields if name.startswith("max_")],
)
def test_an_impossible_value_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(ValidationError, match=rf"(?s)1 validation error.*\n{name}\n.*input_value={value!r}"):
        Settings(**{name: value})


@pytest.mark.parametrize(
    ("given", "environment", "message"),
    [
        ({"port": 70_000}, {}, r"^--port: Input should be less than or equal to 65535\. Received: 70000\.$"),
        (
            {},
            {"BIFOCAL_BACKEND": "onnx"},
            r"^BIFOCAL_BACKEND: Input should be 'tensorflow-float32', .* or 'auto'\. [^\n]*$",
        ),
        ({}, {"BIFOCAL_POLL_S": "often"}, r"^BIFOCAL_POLL_S: Input should be a valid number, .* Received: 'often'\.$"),
        (
            {},
            {"BIFOCAL_MAX_INSTANCES": "5000"},
            r"^BIFOCAL_MAX_INSTANCES \(5000\) is over BIFOCAL_MAX_WAITING \(1024\): such a request",
        ),
        ({"max_body_bytes": 10**9}, {}, r"^BIFOCAL_MAX_BODY_BYTES \(1000000000\) is over BIFOCAL_MAX_PENDING_BYTES"),
        ({}, {"BIFOCAL_CORS_ORIGINS": "*"}, r"^BIFOCAL_CORS_ORIGINS: '\*' is no origin; expected a scheme, a host"),
        (
            {},
            {"BIFOCAL_CORS_ORIGINS": "https://a.example/"},
            "^BIFOCAL_CORS_ORIGINS: 'https://a.example/' is no origin",
        ),
        ({}, {"BIFOCAL_TIMEOUT": "7"}, r"^The environment has BIFOCAL_TIMEOUT, .* did you mean 'BIFOCAL_TIMEOUT_MS'"),
    ],
)
def test_what_is_wrong_is_named_as_it_was_told(
    given: dict[str, object], environment: dict[str, str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(SpecError, match=message):
        load_settings(given)


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"(?s)prot\n.*not permitted"):
        Settings(prot=8000)


def test_settings_do_not_change_while_the_server_runs() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().port = 9000


def test_a_misspelt_variable_is_named_with_the_nearest() -> None:
    refuse_unknown_variables(["PATH", "BIFOCAL_PORT", "bifocal_host", "BIFOCAL_SERVICE_HOST", "BIFOCAL_PORT_80_TCP"])

    with pytest.raises(SpecError, match="BIFOCAL_MAX_PIXEL, which is no setting; did you mean 'BIFOCAL_MAX_PIXELS'"):
        refuse_unknown_variables(["BIFOCAL_MAX_PIXEL"])


def test_what_kubernetes_puts_into_the_port_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIFOCAL_PORT", "tcp://10.0.0.1:80")

    assert Settings().port == 8000
