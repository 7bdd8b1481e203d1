"""`python -m benchmarks` (`make bench`): everything that is measured, some minutes on 2 cores."""

from model.greeting import held_back

with held_back():
    from benchmarks import batch_normalization, decode

decode.main()
batch_normalization.main()
