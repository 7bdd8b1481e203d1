"""The model card: what a model is, what it is for, how good it is, as Mitchell et al. 2019 (arXiv:1810.03993) have it.

What a run knows stands in it; what only people can know is marked as to be written by them. The block at its top is
that of the Hugging Face hub's cards.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from model.bundle import Metadata
from model.spec import MultiLabelHead
from training.modalities import modalities
from training.numbers import METRICS, OVERLAP, figure, measure
from training.recipe import Recipe

if TYPE_CHECKING:
    from training.run_contents import Contents

NAME = "MODEL_CARD.md"
TO_WRITE = Markup("**To be written by whoever publishes it:**")
# Of labels with fewer test rows the figures say little.
FEW_ROWS = 20
_BLANKS = re.compile(r"\s+")
_SPECIAL = re.compile(r"([\\`*_\[\]|#])")


def text(
    metadata: Metadata,
    recipe: Recipe,
    *,
    parameters: int | None = None,
    findings: Mapping[str, Any] | None = None,
) -> str:
    """The card of a model, as Markdown.

    Args:
        metadata: of its bundle, with the figures of the test split.
        recipe: that it was trained by.
        parameters: how many weights it has.
        findings: what the data check found, as in `check.json`.
    """
    environment = Environment(  # noqa: S701  (Markdown; `_escaped` takes the place of HTML's escaping)
        loader=FileSystemLoader(Path(__file__).parent / "report"),
        undefined=StrictUndefined,
        finalize=_escaped,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "measure": lambda found: Markup(measure(found)),  # noqa: S704  (numbers)
        "figure": lambda found: Markup(figure(found)),  # noqa: S704
        "code": _code,
        "plain": Markup,  # of names of inputs, which are letters, digits and underscores
    }
    spec = metadata.spec
    return environment.get_template("model_card.md.j2").render(
        card=metadata,
        recipe=recipe,
        spec=spec,
        parameters=parameters,
        findings=findings or {},
        front_matter=Markup(_front_matter(metadata, recipe)),  # noqa: S704  (as YAML writes it)
        to_write=TO_WRITE,
        metrics=METRICS,
        overlap=OVERLAP,
        multi_label=[name for name, head in spec.heads.items() if isinstance(head, MultiLabelHead)],
        modalities=modalities(spec),
        few_rows=FEW_ROWS,
    )


def write_if_missing(run: Contents) -> None:
    """Writes the card of a run that has none; one that is there may have been edited, and stays as it is.

    Args:
        run: what its folder holds. Its bundle's card is taken; without a bundle there is nothing to say.
    """
    file, own = run.path / NAME, run.path / "bundle" / "assets.extra" / NAME
    if run.metadata is None or file.exists():
        return
    if own.is_file():
        shutil.copyfile(own, file)
    else:
        made = text(run.metadata, run.recipe, parameters=run.metrics.get("parameters"), findings=run.findings)
        file.write_text(made, encoding="utf-8")


def _front_matter(metadata: Metadata, recipe: Recipe) -> str:
    """The block that the hub reads: tags, and the figures as it indexes them."""
    kinds = {given.kind for given in metadata.spec.inputs.values()}
    tags = ["bifocal", *(["image-classification"] if "image" in kinds else [])]
    tags += ["text-classification"] if kinds - {"image"} else []
    tags += ["multimodal"] if len(tags) == 3 else []
    names = {"accuracy": "accuracy", "macro_f1": "f1"}
    results = [
        {
            "task": {"type": tags[1], "name": head},
            "dataset": {"name": recipe.data.manifest.stem, "type": recipe.data.manifest.stem, "split": "test"},
            "metrics": [
                {"type": kind, "name": METRICS[name][0], "value": round(figures["metrics"][name]["value"], 4)}
                for name, kind in names.items()
                if figures["metrics"].get(name)
            ],
        }
        for head, figures in metadata.metrics.items()
    ]
    block = {
        "library_name": "tensorflow",
        "tags": tags,
        "metrics": list(names.values()),
        "model-index": [{"name": metadata.name, "results": results}],
    }
    return f"---\n{yaml.safe_dump(block, sort_keys=False, allow_unicode=True)}---"


def _escaped(value: Any) -> Any:
    """A value as Markdown shows it: nothing in a label or a name becomes markup."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    plain = _BLANKS.sub(" ", value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _SPECIAL.sub(r"\\\1", plain)


def _code(value: Any) -> Markup:
    plain = " ".join(str(value).split()).replace("`", "'").replace("|", "/").replace("<", "(").replace(">", ")")
    return Markup(f"`{plain}`")  # noqa: S704  (in a span of code, without what could end it)
