"""One model in this process, without a server: for the commands that answer here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

from model.bundle import Bundle, versions
from model.errors import BundleError
from service.engine import Engine, Runtime
from service.settings import Settings
from service.threads import Threads

Load = Callable[[Bundle], Runtime]


def find_bundle(path: Path) -> Bundle:
    """The bundle that is meant by a path.

    Args:
        path: of the bundle, or of a model (`models/NAME`) or a folder with a single one (`models`), which mean its
            newest version.

    Raises:
        BundleError: if there is none, it can't be used, or it is not clear which one is meant.
    """
    if (path / "assets.extra").is_dir():
        return Bundle(path)
    if numbers := versions(path):
        return Bundle(path / str(numbers[-1]))
    names = sorted(one.name for one in path.iterdir() if versions(one)) if path.is_dir() else []
    if len(names) > 1:
        raise BundleError(f"There are several models in {path}: {', '.join(names)}. Say which: {path / names[0]}.")
    if not names:
        raise BundleError(
            f"There is no model in {path}: expected a bundle, or a folder of VERSION/ or NAME/VERSION/ bundles."
        )
    return find_bundle(path / names[0])


@contextmanager
def opened(bundle: Bundle, settings: Settings, load: Load | None = None) -> Iterator[Engine]:
    """A bundle as a server would have it: checked, warm, behind its pipelines. Gone when the context ends.

    Args:
        bundle: what to load.
        settings: limits and numbers of threads.
        load: a bundle -> its runtime; TensorFlow's if not given.

    Raises:
        BundleError: if it can't be loaded, or disagrees with its own golden examples.
    """
    threads = Threads.chosen(settings)
    with ThreadPoolExecutor(threads.decode, thread_name_prefix="decode") as decoders:
        runtime = load(bundle) if load is not None else _loaded(bundle, threads)
        engine = Engine(bundle, runtime, settings=settings, threads=threads, decoders=decoders)
        with closing(engine):
            yield engine


def _loaded(bundle: Bundle, threads: Threads) -> Runtime:
    from service import runtime  # the import of TensorFlow

    runtime.prepare(intra_op=threads.intra_op, inter_op=threads.inter_op)
    return runtime.Runtime(bundle)
