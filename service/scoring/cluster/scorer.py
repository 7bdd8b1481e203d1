"""A scorer of many machines: Ray Data reads the manifest, spreads its rows over actors, and hands back their order."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, islice
from typing import Any

from model.bundle import Bundle
from model.errors import ClusterError
from service.cgroup import usable_cpus
from service.commands.local import Load
from service.scoring.cluster.actor import Actor, Work
from service.scoring.cluster.chunks import outcome_in, portion_of, read
from service.scoring.cluster.connection import connected
from service.scoring.cluster.library import ray
from service.scoring.cluster.room import pool_for
from service.scoring.reader import Reader
from service.scoring.remaining import Remaining
from service.scoring.score import digest_of
from service.scoring.scored import Scored
from service.scoring.scorer import with_room_for
from service.scoring.stream import BATCHES
from service.settings import Settings

# Portions that an actor works at: at the end of one its pipeline would run empty.
PORTIONS_AT_ONCE = 2
# Batches of a portion: enough that handing it over costs next to nothing, few enough to share out a small table.
BATCHES_OF_A_PORTION = 4
# A portion whose actors die so often is what kills them.
RETRIES = 3


class ClusterScorer:
    """Scores on a Ray cluster.

    Args:
        bundle: the model, at a path that all nodes can read.
        settings: limits and size of a batch; its numbers of threads are those of each actor.
        address: of the cluster; one on this machine, for as long as it scores, if not given.
        actors: how many; as many as there is room for if not given.
        cpus: of each.
        load: a bundle -> its runtime; TensorFlow's if not given.
    """

    def __init__(
        self,
        bundle: Bundle,
        settings: Settings,
        *,
        address: str | None = None,
        actors: int | None = None,
        cpus: int | None = None,
        load: Load | None = None,
    ) -> None:
        self._bundle = bundle
        self._settings = with_room_for(settings, PORTIONS_AT_ONCE * BATCHES * settings.max_batch_size)
        self._address = address
        self._actors = actors
        self._cpus = cpus
        self._load = load

    @contextmanager
    def scoring(self, rows: Remaining, reader: Reader) -> Iterator[Iterator[Scored]]:
        """Joins the cluster, or starts it, and waits for the first rows.

        Raises:
            ClusterError: if it can't be used, or fails.
            BundleError: if an actor can't load the model.
        """
        here = self._settings.cpus or usable_cpus().number
        with connected(self._address, cpus=here) as nodes:
            pool = pool_for(nodes, actors=self._actors, cpus=self._cpus)
            work = Work(
                bundle=self._bundle.path.absolute(),
                digest=digest_of(self._bundle),
                reader=reader,
                settings=self._settings.model_copy(update={"cpus": pool.cpus}),
                load=self._load,
            )
            results = self._scored(rows, self._blocks(rows, work, actors=pool.actors))
            first = list(islice(results, 1))  # the models are loaded by then, so that time is counted from here
            yield chain(first, results)

    def _blocks(self, rows: Remaining, work: Work, *, actors: int) -> Iterator[Any]:
        """Portions with what became of them, in their order, made while they are taken."""
        library = ray()
        data = library.data
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        source = data.from_items([0])  # of which one task makes all portions
        context = source.context
        context.enable_progress_bars = False
        context.execution_options.preserve_order = True
        context.target_max_block_size = 1  # each portion a block of its own, and so a call of its own
        size = BATCHES_OF_A_PORTION * work.settings.max_batch_size
        portions = source.map_batches(
            read,
            fn_kwargs={"manifest": rows.manifest, "skip": rows.skip, "size": size},
            batch_format="pyarrow",
            num_cpus=0,  # the actors may have them all
            label_selector={"ray.io/node-id": library.get_runtime_context().get_node_id()},  # where the manifest is
        )
        pool = data.ActorPoolStrategy(
            size=actors, max_concurrent_calls_per_actor=PORTIONS_AT_ONCE, enable_true_multi_threading=True
        )
        with warnings.catch_warnings():
            # Ray 2.64 is to name the number of tries otherwise; pyproject.toml stays below it.
            warnings.simplefilter("ignore", library.util.annotations.RayDeprecationWarning)
            results = portions.map_batches(
                Actor,
                fn_constructor_kwargs={"work": work},
                batch_format="pyarrow",
                compute=pool,
                num_cpus=work.settings.cpus,
                max_task_retries=RETRIES,
            )
        return iter(results.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=1))

    def _scored(self, rows: Remaining, blocks: Iterator[Any]) -> Iterator[Scored]:
        number = rows.earlier
        try:
            for block in blocks:
                portion, rows.manifest.share_read = portion_of(block)
                for row in outcome_in(portion):
                    number = row.number
                    yield row
        except ray().exceptions.RayError as error:
            raise ClusterError(
                f"The Ray cluster failed at the rows from {number + 1:,} on, after {RETRIES} more tries if an actor "
                f"died: {_cause(error)} Every thousand rows are kept: the same command goes on behind them."
            ) from error


def _cause(error: Exception) -> str:
    return next(line.strip() for line in reversed(str(error).splitlines()) if line.strip())
