"""`python -m benchmarks` (`make bench`): everything that is measured beside something else, some hours on 2 cores.

Each of them also runs alone, as `python -m benchmarks.NAME`; those of single decisions only so.
"""

import subprocess
import sys

from benchmarks.arguments import nothing

NAMES = (
    "decode",
    "augment",
    "batch_normalization",
    "onednn",
    "convolutions",
    "merges",
    "explanations",
    "training_peers",
    "input_pipeline",
    "rows",
    "serving",
)

nothing(__doc__)
failed = []
for name in NAMES:
    print(f"\npython -m benchmarks.{name}", flush=True)
    if subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode:  # noqa: S603  (our own)
        failed.append(name)
if failed:
    sys.exit(f"These did not run to their end: {', '.join(failed)}")
