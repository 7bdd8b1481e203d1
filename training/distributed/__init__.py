"""One training by several devices or several processes, on TensorFlow's `tf.distribute`.

cluster.py    which processes there are: TF_CONFIG, read without TensorFlow
replicas.py   the strategy, and what this process is in it
step.py       a step whose batch is shared out
job.py        what the chief tells the other workers to train
follow.py     a worker that is not the chief
"""
