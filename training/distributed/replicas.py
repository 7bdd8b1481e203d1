"""The strategy by which devices or processes train together, and what this process is in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from model.errors import ClusterError
from training.distributed.cluster import Cluster
from training.freezing import leaves

# What TensorFlow's error says, of whatever kind it is, when another process is gone; and why.
_LOST = re.compile(r"[Cc]ollective ops is aborted by: ([^\n]*)")
_DEVICE = re.compile(r"(CPU|GPU):(\d+)")
# Numbers that are told to the others at once; gRPC takes no message of 2 GB.
_AT_ONCE = 1 << 24
# Keeps apart what the dropouts of two replicas draw: an odd number without a pattern, the golden ratio's of 2^31.
_APART = 1327217885

Number = TypeVar("Number", np.float32, np.int32)


class Replicas:
    """Copies of a network, one a device, each of which takes a part of every batch.

    Args:
        strategy: of `tf.distribute`.
        cluster: the processes; None if this one is alone.
    """

    def __init__(self, strategy: tf.distribute.Strategy, cluster: Cluster | None = None) -> None:
        self.strategy = strategy
        self.cluster = cluster
        self.count: int = strategy.num_replicas_in_sync
        processes = 1 if cluster is None else len(cluster.addresses)
        self.local = self.count // processes  # TensorFlow wants as many in each process
        self.first = 0 if cluster is None else cluster.index * self.local
        self._sums = {dtype: self._sum_of(dtype) for dtype in (tf.float32, tf.int32)}

    @classmethod
    def of_cluster(cls, cluster: Cluster) -> Replicas:
        """One for each GPU of each process, or one a process; has to be the first that TensorFlow is asked for.

        Returns when all processes are there.

        Raises:
            ClusterError: if this process can't listen on its address.
        """
        try:
            return cls(tf.distribute.MultiWorkerMirroredStrategy(), cluster)
        except (tf.errors.OpError, RuntimeError, ValueError) as error:
            said = (str(error) or repr(error)).splitlines()[0]
            raise ClusterError(f"{cluster} can't join the others: {said}") from error

    @classmethod
    def of_devices(cls, names: Sequence[str]) -> Replicas | None:
        """One on each of these devices of this machine; None if that is a single one.

        Args:
            names: "GPU:0", "GPU:1", ..., or "all" for all GPUs; none for the one device that TensorFlow takes. CPUs are
                parts of the one there is, which is of use for trying only. They have to be asked for before TensorFlow
                has begun to work.

        Raises:
            ClusterError: if there are no such devices.
        """
        gpus = [f"GPU:{number}" for number in range(len(tf.config.list_physical_devices("GPU")))]
        for name in names:
            if name == "all":
                continue
            if not _DEVICE.fullmatch(name) or (name.startswith("GPU") and name not in gpus):
                known = ", ".join(gpus) or "no GPU"
                raise ClusterError(f"There is no device {name!r} to train on. Known here: {known}, CPU:0, CPU:1, ...")
        chosen = gpus if "all" in names else list(dict.fromkeys(names))
        if len(chosen) < 2:
            return None
        cpus = [int(name.removeprefix("CPU:")) for name in chosen if name.startswith("CPU")]
        if cpus:
            parts = [tf.config.LogicalDeviceConfiguration() for _ in range(max(cpus) + 1)]
            tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], parts)
        return cls(tf.distribute.MirroredStrategy(chosen))

    @property
    def is_chief(self) -> bool:
        """Whether this process writes the run, tests and publishes."""
        return self.cluster is None or self.cluster.is_chief

    def __str__(self) -> str:
        where = f", {self.cluster}" if self.cluster is not None else ""
        return f"{self.count} replicas train together{where}"

    def part(self, rows: int) -> slice:
        """Which rows of a batch of so many this process takes; sizes differ by one at most for each of its replicas."""
        return slice(rows * self.first // self.count, rows * (self.first + self.local) // self.count)

    @contextmanager
    def scope(self) -> Iterator[None]:
        """Within, variables are made on every device. All processes have to make the same ones in the same order."""
        with self.reporting_lost_workers(), self.strategy.scope():  # the chief's first values are told to all
            yield

    def all_reduce_sum(self, array: NDArray[Number]) -> NDArray[Number]:
        """The sum over all processes, each of which has to ask for one of the same shape.

        Args:
            array: float32 or int32.
        """
        if self.cluster is None:
            return array
        flat = np.ravel(array)
        parts = [flat[start : start + _AT_ONCE] for start in range(0, max(len(flat), 1), _AT_ONCE)]
        with self.reporting_lost_workers():
            sums = [self._sums[tf.as_dtype(flat.dtype)](tf.constant(part)).numpy() for part in parts]
        return np.concatenate(sums).reshape(array.shape)

    def broadcast(self, payload: bytes) -> bytes:
        """What the chief says, in all processes; what the others say is not heard."""
        if self.cluster is None:
            return payload
        said = payload if self.is_chief else b""
        length = int(self.all_reduce_sum(np.array([len(said)], np.int64).view(np.int32)).view(np.int64)[0])
        # As numbers of four bytes each; to one that says nothing but zeros the sum is what the chief says.
        words = np.zeros(-(-length // 4), np.int32)
        words.view(np.uint8)[: len(said)] = np.frombuffer(said, np.uint8)
        return self.all_reduce_sum(words).tobytes()[:length]

    def share_statistics(self, network: keras.Model) -> None:
        """Lets Keras's own batch normalizations, those of published networks, normalize by the whole batch; ours do."""
        for layer in leaves(network):
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.synchronized = True

    def set_dropouts_apart(self, network: keras.Model) -> None:
        """Lets the dropouts of each replica draw something of their own, those of the first what they would alone."""
        known = {id(variable) for variable in network.weights}
        states = [variable for variable in network.variables if id(variable) not in known]

        @tf.function(autograph=False)
        def shift() -> None:
            def on_replica() -> None:
                number = tf.cast(tf.distribute.get_replica_context().replica_id_in_sync_group, tf.int64)
                for state in states:
                    apart = tf.cast(tf.stack([number * _APART % (2**31), 0]), state.dtype)
                    state.value.assign(tf.bitwise.bitwise_xor(tf.convert_to_tensor(state.value), apart))

            self.strategy.run(on_replica)

        if states:
            shift()

    @contextmanager
    def reporting_lost_workers(self) -> Iterator[None]:
        """Makes a sentence of what TensorFlow says when another process is gone.

        Raises:
            ClusterError: with it.
        """
        try:
            yield
        except tf.errors.OpError as error:
            lost = _LOST.search(error.message)
            if self.cluster is None or lost is None:
                raise
            raise ClusterError(
                f"Another worker is gone ({lost[1]}), and {self.cluster} can't go on without it. "
                "Start all of them again."
            ) from error

    def _sum_of(self, dtype: tf.DType) -> tf.types.experimental.GenericFunction:
        @tf.function(input_signature=[tf.TensorSpec([None], dtype)], autograph=False)
        def total(array: tf.Tensor) -> tf.Tensor:
            def on_replica() -> tf.Tensor:
                context = tf.distribute.get_replica_context()
                # A process speaks once, however many replicas it has.
                speaks = tf.equal(tf.cast(context.replica_id_in_sync_group, tf.int32), self.first)
                said = tf.where(speaks, array, tf.zeros_like(array))
                return context.all_reduce(tf.distribute.ReduceOp.SUM, said)

            return self.strategy.experimental_local_results(self.strategy.run(on_replica))[0]

        return total
