"""What a models folder with nothing to serve is to be given: a model of the data that is there, or of the demo."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from model.bundle import versions
from model.errors import ManifestError, StorageError
from training import recipe_columns, recipe_file
from training.commands.column_options import RECIPE_SUFFIXES
from training.demo_data import write_demo_set
from training.drafting.draft import draft
from training.manifests.opening import KINDS
from training.overrides import overridden
from training.progress import Reporter
from training.recipe import Recipe

DEMO = "demo"
# As `make demo` trains it; a few of its rows go along for the page to show, as they are invented.
DEMO_SETTINGS = ("training.epochs=15", "data.publish_examples=true")

# What an ext4 file system has at its root, as where a volume is a whole disk.
_OF_THE_DISK = "lost+found"

Progress = Callable[[int, int], None]


def source_of(data: Path | None) -> Path | None:
    """What a folder of data is to be trained by: its recipe, else its table, else itself as a folder of pictures.

    Args:
        data: a folder, or a recipe or a table itself; None, one that is not there, or an empty one stands for the demo.

    Returns:
        A recipe, a table or a folder; None for the demo.

    Raises:
        ManifestError: if there are two recipes, or two tables and no recipe.
        StorageError: if the folder can't be read.
    """
    if data is None or not data.exists():
        return None
    if data.is_file():
        return data
    try:
        there = {path.name for path in data.iterdir()} - {_OF_THE_DISK}
    except OSError as error:
        raise StorageError(f"The folder {data} can't be read: {error.strerror}. Let this user read it.") from None
    names = sorted(name for name in there if not name.startswith("."))
    if not names:
        return None
    for what, suffixes in (("recipe", RECIPE_SUFFIXES), ("table", tuple(KINDS))):
        # metadata.csv and .jsonl belong to a folder of pictures.
        found = [name for name in names if name.lower().endswith(suffixes) and not name.startswith("metadata.")]
        if len(found) > 1:
            raise ManifestError(f"{data} holds more than one {what}: {', '.join(found)}. Name the one to train by.")
        if found:
            return data / found[0]
    return data


def published(models: Path, name: str | None = None) -> dict[str, int]:
    """The newest version of each model in a models folder, or of one.

    Raises:
        StorageError: if the folder can't be read.
    """
    try:
        names = [name] if name is not None else sorted(path.name for path in models.iterdir())
        found = {one: versions(models / one) for one in names}
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise StorageError(f"The folder {models} can't be read: {error.strerror}. Let this user read it.") from None
    return {one: numbers[-1] for one, numbers in found.items() if numbers}


def name_of(source: Path) -> str:
    """How the model of a source is called: as its recipe says, else as its file or folder."""
    return recipe_file.load(source).name if _is_recipe(source) else recipe_columns.name_of(source)


def recipe_of(source: Path, runs: Path, reporter: Reporter) -> Recipe:
    """The recipe of a source; for a table it is drafted, kept as `<runs>/<name>.yaml`, and what was guessed is told.

    Raises:
        ManifestError: if nothing can be trained on the table.
        SpecError: if the recipe is wrong.
        StorageError: if the drafted one can't be written.
    """
    if _is_recipe(source):
        return recipe_file.load(source)
    name = recipe_columns.name_of(source)
    file = runs / f"{name}.yaml"
    if file.is_file():
        reporter.say(f"Going by {file}, which an earlier start has drafted; delete it to have it drafted anew.")
        return recipe_file.load(file)
    with reporter.task("Reading the table") as task:
        text, roles = draft(source, name=name, folder=runs, label=None, progress=task.update)
    _keep(file, text)
    for role in roles:
        reporter.say(f"{role.column}: {role.kind or 'not used'} ({role.why})")
    reporter.say(f"These are guesses. If one is wrong, change {file} and train by it: bifocal-training fit {file}")
    return recipe_file.load(file)


def demo_recipe(runs: Path, reporter: Reporter) -> Recipe:
    """The recipe of the demo set, which is drawn to `<runs>/demo-data` unless it is there; kept as `<runs>/demo.yaml`.

    Raises:
        StorageError: if it can't be written.
    """
    directory = runs / "demo-data"
    manifest = directory / "manifest.csv"
    if not manifest.is_file():
        with reporter.task("Drawing the demo set") as task:
            # Pictures without a manifest are of a drawing that was broken off.
            write_demo_set(directory, progress=task.update, overwrite=True)
    recipe = recipe_columns.from_columns(
        manifest.absolute(),
        name=DEMO,
        image=["image"],
        text=["caption"],
        tags=["tags"],
        label=["label"],
        split="split",
    )
    recipe = overridden(recipe, DEMO_SETTINGS)
    _keep(runs / f"{DEMO}.yaml", recipe.to_yaml())
    return recipe


def _keep(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StorageError(f"{file} can't be written: {error.strerror}.") from None


def _is_recipe(source: Path) -> bool:
    return source.is_file() and source.suffix.lower() in RECIPE_SUFFIXES
