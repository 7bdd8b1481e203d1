"""A loaded model at work.

pipeline.py     from encoded examples to answers: queue, decoding ahead, batches
admission.py    who may join the queue
job.py          what one request has in a pipeline
item.py         one example of it
courtesy.py     how explanations give way to predictions
pace.py         how fast examples leave it
watcher.py      who is told of each batch
priority.py     threads that give way to the event loop
explanation.py  why a model gives one label
engine.py       one version: a pipeline that predicts and one that explains
"""

from service.engine.engine import MAX_EXPLANATIONS, Answered, Engine, Runtime

__all__ = ["MAX_EXPLANATIONS", "Answered", "Engine", "Runtime"]
