"""The example recipes: each trains as it stands, and makes the network that one would write by hand."""

from __future__ import annotations

import io
import math
import shutil
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import keras
import numpy as np
import pytest
from rich.console import Console

from model import weights
from model.build import FUSION, build
from model.bundle import Bundle
from model.encoder import Encoder
from model.presence import Presence
from model.rebuild import vocabulary_sizes
from model.signature import presence_of, tokens_of
from model.spec import ImageInput, ModelSpec, SingleLabelHead
from model.text import learn_vocabulary
from tests.training import example_table
from tests.training.layer_graph import LayerGraph
from tests.training.networks_by_hand import BY_HAND
from training import recipe_file
from training.fit import Fitted, fit
from training.freezing import Frozen
from training.loop import Listener, train
from training.prepare import Prepared, prepare
from training.progress import Reporter
from training.recipe import Recipe
from training.reuse import Reuse
from training.runs import Folders, Run
from training.start import start
from training.trained import train_spec

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "training" / "recipes" / "examples"
NAMES = sorted(file.stem for file in EXAMPLES.iterdir())
APART = ("pictures-alone", "words-alone")
OTHERS = [name for name in NAMES if name not in (*APART, "merged-frozen")]


def example(name: str, folder: Path = EXAMPLES) -> Recipe:
    return recipe_file.load(folder / f"{name}.yaml")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as its user has it: the recipes, a table and its pictures."""
    home = tmp_path_factory.mktemp("examples")
    example_table.write(home)
    for name in NAMES:
        shutil.copy(EXAMPLES / f"{name}.yaml", home)
    return home


def prepared(home: Path, name: str, **training: int) -> Prepared:
    """The examples of a recipe, which is shortened to a few steps and given the made-up table."""
    shortened = {"epochs": 1, "batch_size": 16, **training}
    recipe = example(name, home).replace(data={"manifest": home / "table.csv"}, training=shortened)
    return prepare(recipe, cache_dir=home / "cache", reporter=quiet())


def fitted(home: Path, name: str) -> Fitted:
    return fit(prepared(home, name), Folders(home / "runs", home / "models"), quiet())


def quiet() -> Reporter:
    return Reporter(Console(file=io.StringIO()))


@pytest.fixture(scope="module")
def apart(home: Path) -> dict[str, Fitted]:
    """The branches that are trained apart, exported and published."""
    return {name: fitted(home, name) for name in APART}


def vocabularies(data: Prepared, run: Run) -> dict[str, Path]:
    spec, files = data.recipe.spec, {}
    for name, branch in spec.token_branches.items():
        texts = [batch for view in spec.views if view.branch == name for batch in data.train.texts_of(view.input)]
        files[name] = run.write_vocabulary(name, learn_vocabulary(branch, spec.inputs[spec.input_of(name)], texts))
    return files


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
def test_an_example_trains(name: str, home: Path, tmp_path: Path) -> None:
    data = prepared(home, name)
    trained = train_spec(
        data.recipe.spec, data, vocabularies(data, Run(tmp_path)), Listener(lambda *_: None, lambda *_: None)
    )

    assert math.isfinite(trained.best.loss + trained.best.val_loss)
    for head, probabilities in trained.probabilities(data.test).items():
        given = trained.spec.heads[head]
        assert probabilities.shape == (len(data.test), len(given.labels))
        assert ((probabilities > 0) & (probabilities < 1)).all()
        if isinstance(given, SingleLabelHead):
            np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
def test_an_example_is_exported(name: str, home: Path) -> None:
    assert Bundle(fitted(home, name).published).spec.views == example(name).spec.views


@pytest.mark.slow
def test_branches_trained_apart_are_published_where_the_recipe_of_both_looks(
    home: Path, apart: dict[str, Fitted]
) -> None:
    init = example("merged-frozen", home).training.init

    assert isinstance(init, dict)
    assert [init[branch].path for branch in ("image", "text")] == [apart[name].published for name in APART]


@pytest.mark.slow
def test_frozen_branches_keep_the_weights_they_were_given_until_they_are_unfrozen(
    home: Path, apart: dict[str, Fitted]
) -> None:
    data = prepared(home, "merged-frozen", epochs=3, unfreeze_at_epoch=3)
    spec, settings = data.recipe.spec, data.recipe.training
    reuse = Reuse(settings.init)
    files = reuse.vocabularies(spec)
    encoder, network = Encoder(spec, files), build(spec, vocabulary_sizes(files))
    start(network, spec, files, reuse)
    seen = [weights.values(network)]
    listener = Listener(lambda *_: None, lambda *_: seen.append(weights.values(network)))
    train(network, encoder, spec, training=data.train, validation=data.val, settings=settings, listener=listener)

    for branch, name in zip(("image", "text"), APART, strict=True):
        given = weights.read(apart[name].published)[branch]
        for values in seen[:3]:  # as given, and after the first two epochs
            assert all(np.array_equal(*pair) for pair in zip(values[branch], given, strict=True))
        assert not any(np.array_equal(*pair) for pair in zip(seen[3][branch], given, strict=True))
    for part in ("trunk", "category"):
        assert not any(np.array_equal(*pair) for pair in zip(seen[0][part], seen[2][part], strict=True))


@dataclass(frozen=True)
class Pair:
    """A network of this project, and the one written by hand."""

    spec: ModelSpec
    network: keras.Model
    by_hand: keras.Model

    @property
    def heads(self) -> list[str]:
        return list(self.spec.heads)

    @property
    def graphs(self) -> tuple[LayerGraph, LayerGraph]:
        """The layers of both. Tokens are named as the input they are cut from."""
        inputs = {tokens_of(view.name): view.input for view in self.spec.views}
        return LayerGraph(self.network, self.heads, inputs), LayerGraph(self.by_hand, self.heads)


@cache
def pair(name: str) -> Pair:
    """Both with ten classes a head and some words, no weight zero, and what is frozen frozen."""
    recipe = example(name)
    spec = recipe.spec.with_labels(dict.fromkeys(recipe.spec.heads, tuple("0123456789")))
    words = {branch: 17 + place for place, branch in enumerate(spec.token_branches)}
    network = build(spec, words)
    random = np.random.default_rng(0)
    for variable in network.weights:
        variable.assign(variable.numpy() + random.normal(scale=0.05, size=variable.shape))
    Frozen(network, recipe.training.freeze)
    # An embedding has two rows more than there are words: padding and unseen.
    by_hand = BY_HAND[name]({branch: count + 2 for branch, count in words.items()}, dict.fromkeys(spec.heads, 10))
    return Pair(spec, network, by_hand)


def test_every_example_is_written_by_hand_as_well() -> None:
    assert sorted(BY_HAND) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_layers_are_those_of_the_network_written_by_hand(name: str) -> None:
    ours, by_hand = pair(name).graphs

    assert ours.draw() == by_hand.draw()


@pytest.mark.parametrize("name", NAMES)
def test_there_are_as_many_weights_but_for_the_vectors_that_stand_in_for_absent_inputs(name: str) -> None:
    ours, by_hand = pair(name).network, pair(name).by_hand
    # One vector a branch, as wide as what the branch gives. They are this project's own, and always train.
    absent = [layer.absent for layer in ours.get_layer(FUSION).layers if isinstance(layer, Presence)]

    assert [vector.shape for vector in absent] == [(branch.units,) for branch in pair(name).spec.branches.values()]
    assert count(ours.weights) - count(absent) == count(by_hand.weights)
    assert count(ours.trainable_weights) - count(absent) == count(by_hand.trainable_weights)


def count(variables: Sequence[keras.Variable]) -> int:
    return sum(math.prod(variable.shape) for variable in variables)


@pytest.mark.parametrize("name", NAMES)
def test_with_the_same_weights_both_give_the_same_answers(name: str) -> None:
    spec, network, by_hand = pair(name).spec, pair(name).network, pair(name).by_hand
    ours, theirs = (graph.layers for graph in pair(name).graphs)
    for mine, written in zip(ours, theirs, strict=True):
        written.set_weights(mine.get_weights())
    random = np.random.default_rng(1)
    length = np.array([[6], [3], [1]])  # of each text; the rest is padding
    given = {
        input_name: random.integers(0, 256, (3, one.height, one.width, 3), dtype=np.uint8)
        if isinstance(one, ImageInput)
        else np.where(np.arange(6) < length, random.integers(1, 17, (3, 6), dtype=np.int32), 0)
        for input_name, one in spec.inputs.items()
    }
    encoded = {presence_of(input_name): np.ones(3, bool) for input_name in spec.inputs}
    for view in spec.views:
        encoded[view.input if view.input in network.input else tokens_of(view.name)] = given[view.input]

    answers, expected = network(encoded, training=False), by_hand(given, training=False)
    for head in spec.heads:
        np.testing.assert_allclose(answers[head], expected[head], atol=1e-5)
        assert np.std(expected[head], axis=0).mean() > 1e-2  # or this would say little


def header(name: str) -> list[str]:
    """The comment a recipe begins with."""
    lines = (EXAMPLES / f"{name}.yaml").read_text(encoding="utf-8").partition("\n\n")[0].splitlines()
    assert all(line.startswith("#") for line in lines)
    return [line.removeprefix("#").strip() for line in lines]


@pytest.mark.parametrize("name", NAMES)
def test_an_example_says_which_columns_the_table_has_and_how_to_run_it(name: str) -> None:
    recipe, lines = example(name), header(name)
    table = next(line for line in lines if "," in line and " " not in line)
    settings = recipe.data
    columns = [*settings.columns.values(), *settings.labels.values(), settings.split.column, settings.group]

    assert {column for column in columns if column} <= set(table.split(","))
    assert lines[-1] == f"bifocal-training fit {settings.manifest.name} --recipe {name}.yaml"


def test_every_example_is_in_the_documentation() -> None:
    text = (ROOT / "docs" / "examples.md").read_text(encoding="utf-8")

    assert [name for name in NAMES if f"(../training/recipes/examples/{name}.yaml)" not in text] == []


def test_the_examples_are_installed_with_the_package() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    installed = {path for glob in settings["package-data"]["training"] for path in (ROOT / "training").glob(glob)}

    assert installed >= set(EXAMPLES.iterdir())
