"""A client for Python programs. It needs httpx alone.

results.py        what a service answers, typed
values.py         what an example is made of, as bytes
request.py        calls -> requests
flow.py           requests -> answers, with what is tried again; neither sync nor async
sync.py, asynchronous.py   carry a flow out
"""

from service.client.asynchronous import AsyncClient
from service.client.results import (
    Activation,
    HeadExplanation,
    HeadPrediction,
    HeatMap,
    LabelProbability,
    ModelInfo,
    Prediction,
    VersionState,
)
from service.client.sync import Client

__all__ = [
    "Activation",
    "AsyncClient",
    "Client",
    "HeadExplanation",
    "HeadPrediction",
    "HeatMap",
    "LabelProbability",
    "ModelInfo",
    "Prediction",
    "VersionState",
]
