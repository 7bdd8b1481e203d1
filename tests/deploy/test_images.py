"""What is in the images, and what is not."""

from __future__ import annotations

import base64
import json

import httpx
import pytest

from tests.deploy.stack import Stack, docker

pytestmark = [pytest.mark.deploy, pytest.mark.timeout(3600)]

IMAGES = ("bifocal-service", "bifocal-training")
# Files that were taken out, below site-packages, and modules that would miss them.
TAKEN_OUT = ("tensorflow/include", "clang", "tensorflow/compiler/mlir/stablehlo/stablehlo_extension.so")
MODULES = ("clang", "tensorflow.compiler.mlir.stablehlo")

SERVE_IN_PROCESS = """
import json, sys
from pathlib import Path
from model.bundle import Bundle
from service.runtime import Runtime
import tensorflow_text as text, tensorflow as tf
bundle = Bundle(Path("/models/shop/1"))
Runtime(bundle)  # loads it, and answers its golden examples
tokens = text.WhitespaceTokenizer().tokenize(["two words"]).to_list()
words = text.FastWordpieceTokenizer(["two", "##s", "word", "[UNK]"], token_out_type=tf.string).tokenize(["words"])
place = Path(tf.__file__).parents[1]
print(json.dumps({
    "tokens": len(tokens[0]), "pieces": words.to_list()[0][1].decode(),
    "modules": [name for name in sys.modules if name.startswith(%r)],
    "there": [name for name in %r if (place / name).exists()],
}))
"""


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_says_what_it_is_and_runs_as_nobody_special(image: str, small: Stack) -> None:
    told = json.loads(docker("image", "inspect", image))[0]["Config"]

    assert told["User"] == "10001:10001"
    assert told["Labels"]["org.opencontainers.image.version"] == "0.1.0"
    assert {"title", "description", "licenses", "revision"} <= {name.rpartition(".")[2] for name in told["Labels"]}
    assert docker("run", "--rm", "--entrypoint", "python", image, "-c", "import os; print(os.getuid())") == "10001\n"


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_needs_no_shell(image: str, small: Stack) -> None:
    shells = [
        part
        for shell in ("dash", "bash")
        for part in ("--mount", f"type=bind,source=/dev/null,target=/usr/bin/{shell}")
    ]

    assert "Usage:" in docker("run", "--rm", *shells, image, "--help")
    assert docker("run", "--rm", *shells, "--entrypoint", "sh", image, "-c", "echo x", check=False).strip() != "x"


def test_the_service_has_nothing_of_training_and_neither_has_tools_to_build(small: Stack) -> None:
    look = "import importlib.util as u; print([n for n in ('polars', 'sklearn', 'matplotlib', 'uv') if u.find_spec(n)])"

    assert docker("run", "--rm", "--entrypoint", "python", "bifocal-service", "-c", look) == "[]\n"
    assert "uv" not in docker("run", "--rm", "--entrypoint", "python", "bifocal-training", "-c", look)


@pytest.mark.parametrize("image", IMAGES)
def test_what_was_taken_out_of_tensorflow_is_missed_by_nobody(image: str, small: Stack) -> None:
    mounts = ["--volume", f"{small.name}_models:/models:ro", "--read-only", "--tmpfs", "/tmp"]
    program = SERVE_IN_PROCESS % (MODULES, TAKEN_OUT)
    printed = docker("run", "--rm", *mounts, "--entrypoint", "python", image, "-c", program)
    found = json.loads(printed.strip().splitlines()[-1])

    assert found == {"tokens": 2, "pieces": "##s", "modules": [], "there": []}


def test_the_image_explains_as_well(small: Stack, photo: bytes) -> None:
    answer = httpx.post(
        f"{small.url()}/predict?explain=true", files={"image": photo}, data={"text": "used mug"}, timeout=60
    )

    explanation = answer.json()["predictions"][0]["explanation"]["label"]
    assert base64.b64decode(explanation["heatmaps"]["image"]["png"])[1:4] == b"PNG"
    assert [token["token"] for token in explanation["tokens"]["text"]] == ["used", "mug"]
