"""`bifocal-service predict`: one example through a model, without a server."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

import typer


def predict(
    bundle: Annotated[
        Path,
        typer.Argument(help="Bundle, or a folder of them, as models/NAME: its newest version.", show_default=False),
    ],
    image: Annotated[str | None, typer.Option(metavar="FILE", help="The picture.", show_default=False)] = None,
    text: Annotated[str | None, typer.Option(help="The words.", show_default=False)] = None,
    tags: Annotated[str | None, typer.Option(help="The tags, delimited.", show_default=False)] = None,
    input_: Annotated[
        list[str] | None,
        typer.Option("--input", metavar="NAME=VALUE", help="Any input by its name. Repeatable.", show_default=False),
    ] = None,
    top_k: Annotated[int, typer.Option(min=1, help="How many labels of each head are shown.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print what a service would answer.")] = False,
    explain: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Say why, and write the heat map over the picture to FILE.", show_default=False
        ),
    ] = None,
) -> None:
    """Ask a model about one example, through what a server runs.

        bifocal-service predict models/listings --image mug.jpg --text 'handle broke off' --explain why.png

    Of a model with several pictures or texts, name each: --input front=a.jpg --input back=b.jpg.
    """
    from pydantic_core import to_json

    from service.answers import predictions
    from service.commands.example_options import example_of
    from service.commands.local import find_bundle, opened
    from service.commands.prediction_text import prediction_lines
    from service.settings import load_settings

    if explain is not None and explain.suffix.lower() != ".png":
        raise typer.BadParameter(f"--explain {explain}: expected a name ending in .png.")
    settings = load_settings({})
    found = find_bundle(bundle)
    example = example_of(found.spec, image=image, text=text, tags=tags, inputs=input_ or [])
    with opened(found, settings) as engine:
        begun = time.perf_counter()
        pipeline = engine.pipeline if explain is None else engine.explanations
        job = pipeline.submit([example], time.monotonic() + settings.timeout_ms / 1000)
        (answer,) = job.result()
        spent_s = time.perf_counter() - begun
    if as_json:
        (prediction,) = predictions(found.spec, [answer], top_k=top_k, thresholds=found.metadata.threshold_arrays)
        version = int(found.path.name) if found.path.name.isdecimal() else None
        about = {"name": found.metadata.name, "version": version}
        typer.echo(to_json({"model": about, "predictions": [prediction]}))
    else:
        encoding = sys.stdout.encoding.lower().replace("-", "")
        for line in prediction_lines(found.spec, answer, top_k=top_k, block="█" if encoding == "utf8" else "#"):
            typer.echo(line)
        typer.echo(f"{1000 * spent_s:.1f} ms, {1000 * job.timing.decode_s:.1f} of them for decoding")
    if explain is not None:
        from service.commands.heatmap_image import heatmap_image

        picture = heatmap_image(found.spec, example, answer.explanations or {}, max_pixels=settings.max_pixels)
        if picture is None:
            typer.echo(f"{explain} is not written: no picture was given.", err=True)
        else:
            picture.save(explain)
            typer.echo(f"written: {explain}", err=True)
