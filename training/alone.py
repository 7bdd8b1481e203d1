"""Each modality alone: does merging help?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from model.spec import ModelSpec
from training.loop import Listener
from training.prepare import Prepared
from training.progress import Reporter
from training.reuse import Reuse
from training.trained import train_spec


def modalities(spec: ModelSpec) -> dict[str, list[str]]:
    """The inputs of each modality that the spec has: `picture` and `words`."""
    pictures = [name for name, given in spec.inputs.items() if given.kind == "image"]
    words = [name for name, given in spec.inputs.items() if given.kind != "image"]
    return {name: inputs for name, inputs in (("picture", pictures), ("words", words)) if inputs}


def accuracies(
    data: Prepared, vocabulary_files: Mapping[str, Path], reuse: Reuse, reporter: Reporter
) -> dict[str, dict[str, float]]:
    """Test accuracy of each head for each modality, trained alone on the same splits with the same settings.

    Args:
        data: the examples, and the recipe of the merged model.
        vocabulary_files: for each branch over text or tags, one token a line.
        reuse: earlier models to start from.
        reporter: told how it goes.

    Returns:
        Empty if the recipe has one modality only.
    """
    spec = data.recipe.spec
    found = {name: inputs for name, inputs in modalities(spec).items() if spec.has_heads_for(inputs)}
    if len(found) < 2:
        return {}
    result = {}
    for name, inputs in found.items():
        spec = data.recipe.spec.only(inputs)
        with reporter.task(f"Training the {name} alone") as task:
            listener = Listener(step=task.step, epoch=lambda *_: None)
            trained = train_spec(spec, data, vocabulary_files, listener, reuse.of_branches())
        result[name] = trained.accuracy(data.test.only(spec))
    return result
