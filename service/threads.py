"""How many threads do what, chosen from the CPUs that this process may use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from service.cgroup import Cpus, usable_cpus
from service.settings import Settings

# Beyond these a service on one machine gains nothing: one event loop feeds them all.
MAX_DECODE = 16
MAX_MODEL = 4
MAX_INTRA_OP = 16
# One call of the model keeps about this many CPUs busy; from twice as many on, two calls at once are better.
CPUS_A_CALL = 8


@dataclass(frozen=True)
class Threads:
    """Numbers of threads.

    Args:
        cpus: that they were chosen for.
        decode: that decode pictures, of all models together.
        model: that call a model, of each model.
        intra_op: of TensorFlow's pool inside one operation, shared by all models.
        inter_op: of TensorFlow's pool for operations that don't depend on each other.
        reason: where `cpus` is from.
        told: the fields that the settings say, and that were not chosen here.
    """

    cpus: int
    decode: int
    model: int
    intra_op: int
    inter_op: int
    reason: str = ""
    told: tuple[str, ...] = ()

    @classmethod
    def chosen(cls, settings: Settings, cpus: Cpus | None = None) -> Self:
        """What the settings say, and for the rest what fits the CPUs.

        Args:
            settings: the ones that are None are chosen.
            cpus: what the process may use; looked up if not given. `settings.cpus` counts more.
        """
        found = cpus if cpus is not None else usable_cpus()
        if settings.cpus is not None:
            found = Cpus(settings.cpus, "as BIFOCAL_CPUS says")
        number = found.number
        # Decoding releases the interpreter's lock, and is the larger cost with photos from a phone: a thread a CPU.
        decode = settings.decode_threads or min(number, MAX_DECODE)
        model = settings.model_threads or min(max(1, number // CPUS_A_CALL), MAX_MODEL)
        # All calls at once should fill the CPUs, and not more.
        intra_op = settings.intra_op_threads or min(max(1, number // model), MAX_INTRA_OP)
        # The branches of a model don't depend on each other; on few CPUs they only get in each other's way.
        inter_op = settings.inter_op_threads or max(model, 2 if number >= 4 else 1)
        pools = {"decode": "decode_threads", "model": "model_threads"}
        pools |= {"intra_op": "intra_op_threads", "inter_op": "inter_op_threads"}
        told = tuple(pool for pool, setting in pools.items() if getattr(settings, setting) is not None)
        return cls(number, decode, model, intra_op, inter_op, found.reason, told)

    def __str__(self) -> str:
        """One line for the log."""
        numbers = {
            "decode": (self.decode, "decoding"),
            "model": (self.model, "calling each model"),
            "intra_op": (self.intra_op, "intra-op"),
            "inter_op": (self.inter_op, "inter-op"),
        }
        parts = [f"{number} {what}{' (set)' if pool in self.told else ''}" for pool, (number, what) in numbers.items()]
        cpus = f"{self.cpus} CPU{'s' if self.cpus > 1 else ''}"
        return f"Threads for {cpus} ({self.reason}): {', '.join(parts)}."
