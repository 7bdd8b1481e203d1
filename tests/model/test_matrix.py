"""Every kind of branch, tokenizer, merge and head with every other: built, trained on, exported, and reloaded."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from model import reload, weights
from model.examples import Tensors
from model.export import Exported
from model.losses import loss
from model.serving import Signatures, halves, signatures
from model.signature import EXPLAIN, FEATURES, SERVING, explain_outputs, serving_outputs, target_of
from model.spec import MultiLabelHead
from tests.model.made_up import AXES, MERGES, Made, covering, make, spec_of, tensors

EACH = list(covering(AXES, pairs=False))  # a few of them are enough here: all are among the pairs
PAIRWISE = list(covering(AXES, pairs=True))
AT_ONCE = 10  # rows reloaded by one process

# Run with -I elsewhere: no module of this project can be imported, and none may be needed.
STRANGER = """
import json, runpy, sys
main = runpy.run_path(sys.argv[1])["main"]
for arguments in json.loads(sys.argv[2]):
    main(*arguments)
assert not [name for name in sys.modules if name.split(".")[0] in ("model", "training", "service")]
"""


def test_the_rows_cover_what_they_say() -> None:
    values = {(axis, value) for axis, kinds in AXES.items() for value in kinds}
    assert {item for row in EACH for item in row.items()} == values
    pairs = {frozenset((one, other)) for row in PAIRWISE for one in row.items() for other in row.items()}
    assert all(
        frozenset(((a, x), (b, y))) in pairs for a in AXES for b in AXES if a != b for x in AXES[a] for y in AXES[b]
    )
    assert len(PAIRWISE) < 2 * len(MERGES) * 5


def check_gradients(made: Made) -> None:
    """A finite gradient reaches every trainable weight, auxiliary heads included.

    A maximum or a ReLU lets none through for some weights by chance, so others are tried until each had one.
    """
    left = {index: variable.path for index, variable in enumerate(made.network.trainable_variables)}
    for seed in range(8):
        for index, (variable, gradient) in enumerate(gradients(made)):
            assert gradient is not None, variable.path
            values = tf.convert_to_tensor(gradient).numpy()
            assert np.isfinite(values).all(), variable.path
            if np.abs(values).max() > 0:
                left.pop(index, None)
        if not left:
            return
        random = np.random.default_rng(seed)
        for variable in made.network.trainable_variables:
            variable.assign(random.normal(scale=0.3, size=variable.shape))
    raise AssertionError(f"no gradient reaches {sorted(left.values())}")


def gradients(made: Made) -> list[tuple[keras.Variable, tf.Tensor | None]]:
    head = made.spec.heads["answer"]
    batch = {name: tf.constant(array) for name, array in tensors(made.spec).items()}
    several = isinstance(head, MultiLabelHead)
    targets = tf.constant([[True, False]] * 3 + [[False, True]] * 3) if several else tf.constant([0, 1, 2, 0, 1, 2])
    with tf.GradientTape() as tape:
        outputs = made.network(made.encoder(batch), training=True)
        logits = [tensor for name, tensor in outputs.items() if name.split(".")[0] == "answer"]
        total = tf.add_n([loss(head, one, targets, np.ones(len(head.labels), np.float32)) for one in logits])
    variables = made.network.trainable_variables
    return list(zip(variables, tape.gradient(total, [one.value for one in variables]), strict=True))


def save(made: Made, functions: Signatures, directory: Path) -> tuple[list[str], dict[str, np.ndarray]]:
    """Exports; returns the arguments of the reloading script and what is answered here."""
    given = tensors(made.spec)
    asked: Tensors = {**given, target_of("answer"): np.array([0, 1, 0, 1, 0, -1], np.int32)}
    tf.saved_model.save(
        Exported(made.encoder, made.network, halves(made.spec, made.encoder, made.network)),
        str(directory / "saved"),
        signatures=functions,
    )
    arguments, answers = {}, {}
    for name, function in functions.items():
        own = asked if name == EXPLAIN else given
        arguments |= {f"{name}/{key}": array for key, array in own.items()}
        found = function(**{key: tf.constant(array) for key, array in own.items()})
        answers |= {f"{name}/{key}": tensor.numpy() for key, tensor in found.items()}
    np.savez(directory / "inputs.npz", allow_pickle=True, **arguments)
    return [str(directory / file) for file in ("saved", "inputs.npz", "outputs.npz")], answers


def check_alone(made: Made, functions: Signatures) -> None:
    """An example alone is answered as in company, in every signature."""
    for name, function in functions.items():
        given = tensors(made.spec)
        if name == EXPLAIN:
            given[target_of("answer")] = np.zeros(6, np.int32)
        together = function(**{key: tf.constant(array) for key, array in given.items()})
        for row in (0, 2, 5):
            alone = function(**{key: tf.constant(array[row : row + 1]) for key, array in given.items()})
            for key, tensor in alone.items():
                if tensor.dtype != tf.string:
                    company = together[key].numpy()[row]
                    width = [slice(size) for size in tensor.shape[1:]]  # less padding alone
                    np.testing.assert_allclose(tensor[0], company[tuple(width)], atol=1e-5, err_msg=f"{name}/{key}")


def check_shapes(made: Made, answers: dict[str, np.ndarray]) -> None:
    expected = {f"{SERVING}/{name}": info for name, info in serving_outputs(made.spec).items()}
    expected |= {f"{EXPLAIN}/{name}": info for name, info in explain_outputs(made.spec).items()}
    assert set(answers) == {*expected, f"{FEATURES}/features"}
    for name, info in expected.items():
        sizes = zip(answers[name].shape, info.shape, strict=True)
        assert all(wanted in (None, size) for size, wanted in sizes), name


def check(rows: list[dict[str, str]], directory: Path) -> None:
    """All that is asked of the matrix, for some of its rows."""
    scripts, expected = [], []
    for number, row in enumerate(rows):
        home = directory / str(number)
        made = make(spec_of(row), home)
        check_gradients(made)
        exported = made if made.spec.portable() == made.spec else make(made.spec.portable(), home)
        weights.assign(exported.network, weights.values(made.network))
        functions = signatures(exported.spec, exported.encoder, exported.network)
        check_alone(exported, functions)
        arguments, answers = save(exported, functions, home)
        check_shapes(exported, answers)
        trained = made.network(
            made.encoder({name: tf.constant(one) for name, one in tensors(made.spec).items()}), training=False
        )
        np.testing.assert_allclose(trained["merged"], answers[f"{FEATURES}/features"], atol=1e-5)
        scripts.append(arguments)
        expected.append(answers)
    command = [sys.executable, "-I", "-c", STRANGER, reload.__file__, json.dumps(scripts)]
    done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    for row, arguments, answers in zip(rows, scripts, expected, strict=True):
        with np.load(arguments[2], allow_pickle=True) as reloaded:
            for name, here in answers.items():
                if here.dtype == object:
                    assert (reloaded[name] == here).all(), (row, name)
                else:
                    np.testing.assert_allclose(reloaded[name], here, atol=1e-5, err_msg=f"{row} {name}")


@pytest.mark.slow
def test_some_kinds_are_trained_on_and_reloaded(tmp_path: Path) -> None:
    check(EACH[:3], tmp_path)


@pytest.mark.longest
@pytest.mark.parametrize("first", range(0, len(PAIRWISE), AT_ONCE))
def test_every_pair_of_kinds_is_trained_on_and_reloaded(first: int, tmp_path: Path) -> None:
    check(PAIRWISE[first : first + AT_ONCE], tmp_path)
