"""A table scored with the model `colours`."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from model.bundle import Bundle
from service.commands.local import Load
from service.scoring.progress import Progress
from service.scoring.score import Order, Summary, score
from service.scoring.scorer import LocalScorer
from service.settings import Settings
from tests.service.stand_in import Namer
from tests.tiny import write_rows


def run(bundle: Bundle, manifest: Path, out: Path, *, load: Load = Namer, batch: int = 4, **order: Any) -> Summary:
    settings = Settings(max_batch_size=batch)
    scorer = LocalScorer(bundle, settings, load)
    return score(
        bundle, Order(manifest, out, **order), scorer=scorer, settings=settings, progress=Progress(io.StringIO())
    )


def table(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def texts(file: Path, words: Sequence[str]) -> Path:
    return write_rows(file, [{"text": word} for word in words])


SCRIPT = """
import io, sys, time
from pathlib import Path
from model.bundle import Bundle
from service.scoring.progress import Progress
from service.scoring.reader import Reader
from service.scoring.score import Order, score
from service.scoring.scorer import LocalScorer
from service.settings import Settings
from tests.service.stand_in import Namer

class Slow(Namer):
    def predict(self, examples):
        time.sleep(0.002)
        return super().predict(examples)

bundle, manifest, out = map(Path, sys.argv[1:])
print("begun", flush=True)
bundle, settings = Bundle(bundle), Settings(max_batch_size=16)
scorer = LocalScorer(bundle, settings, Slow)
score(bundle, Order(manifest, out), scorer=scorer, settings=settings, progress=Progress(io.StringIO()))
"""
