"""A loaded version, from its start to its end."""

from __future__ import annotations

import gc
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from model.bundle import Bundle
from service.engine import Engine
from service.settings import Settings
from service.threads import Threads
from tests.service.stand_in import Namer, write_bundle


@pytest.mark.parametrize(("largest", "sizes"), [(1, [1]), (4, [1, 2, 4]), (12, [1, 2, 4, 8, 12])])
def test_it_is_warmed_up_for_the_batches_that_will_come(largest: int, sizes: list[int], models: Path) -> None:
    settings = Settings(max_batch_size=largest)
    bundle = Bundle(write_bundle(models))
    runtime = Namer(bundle)
    with ThreadPoolExecutor(1) as decoders:
        Engine(bundle, runtime, settings=settings, threads=Threads.chosen(settings), decoders=decoders).close()

    assert runtime.warmed == sizes


def test_one_that_is_put_away_is_freed_at_once(models: Path) -> None:
    settings = Settings()
    bundle = Bundle(write_bundle(models))
    gc.collect()
    gc.disable()  # so that a cycle would be seen
    try:
        with ThreadPoolExecutor(1) as decoders:
            runtime = Namer(bundle)
            engine = Engine(bundle, runtime, settings=settings, threads=Threads.chosen(settings), decoders=decoders)
            engine.pipeline.submit([{"text": "red"}], time.monotonic() + 10).result(10)
            engine.close()
            freed = weakref.ref(engine), weakref.ref(runtime)
            del engine, runtime
            assert [reference() for reference in freed] == [None, None]
    finally:
        gc.enable()
