"""`python -m benchmarks` (`make bench`): everything that is measured, some minutes on 2 cores."""

from model.greeting import filtered

with filtered():
    from benchmarks import augment, batch_normalization, decode, explanations, merges

decode.main()
augment.main()
batch_normalization.main()
merges.main()
explanations.main()
