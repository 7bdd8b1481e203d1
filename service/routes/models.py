"""`GET /models`, `GET /models/{name}` and `GET /models/{name}/examples`."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from model.errors import NotFoundError
from model.validation import nearest
from service.schemas import Examples, ModelInfo
from service.store import Store
from service.store.served import Engine

router = APIRouter(tags=["models"])

# Figures that grow with the number of classes, or are many.
_OF_ONE_MODEL = frozenset({"classes", "confusion", "confused", "reliability", "absent", "slices", "calibration"})


@router.get("/models")
async def list_models(request: Request) -> dict[str, list[ModelInfo]]:
    """All models, their versions and states; without the model cards, and figures without the tables by class."""
    store: Store[Engine] = request.app.state.store
    return {"models": [_short(_info(store, name)) for name in store.names()]}


@router.get("/models/{name}")
async def get_model(request: Request, name: str) -> ModelInfo:
    """One model: its versions, what it takes, its labels, how well it does, what it is made of."""
    store: Store[Engine] = request.app.state.store
    _check_name(store, name)
    return _info(store, name)


@router.get("/models/{name}/examples")
async def get_examples(request: Request, name: str) -> Examples:
    """Examples to try, if the version that answers brings some."""
    store: Store[Engine] = request.app.state.store
    _check_name(store, name)
    served = store.served(name)
    return Examples(examples=[dict(one) for one in served.examples] if served else [])


def _check_name(store: Store[Engine], name: str) -> None:
    if name not in store.names():
        raise NotFoundError(f"No model {name!r}{nearest(name, store.names())}")


def _short(info: ModelInfo) -> ModelInfo:
    """Leaves out what grows with the number of classes, and the card: of many models at once it would be megabytes."""
    metrics = {
        head: {key: value for key, value in figures.items() if key not in _OF_ONE_MODEL}
        for head, figures in info.metrics.items()
    }
    return info.model_copy(update={"metrics": metrics, "thresholds": {}, "comparison": None, "model_card": None})


def _info(store: Store[Engine], name: str) -> ModelInfo:
    versions, pinned, served = store.states(name), store.pinned(name), store.served(name)
    given: dict[str, Any] = {"inputs": {}, "labels": {}, "metrics": {}, "training_data": {}, "libraries": {}}
    if served is not None:
        metadata = served.metadata
        given = {
            "inputs": {key: one.model_dump(exclude_none=True) for key, one in metadata.spec.inputs.items()},
            "labels": {head: list(one.labels) for head, one in metadata.spec.heads.items()},
            "thresholds": metadata.thresholds,
            "metrics": metadata.metrics,
            "comparison": metadata.comparison,
            "training_data": metadata.training_data,
            "libraries": metadata.libraries,
        }
    return ModelInfo(
        name=name,
        versions=versions,
        pinned=pinned,
        created=served.metadata.created if served else None,
        model_card=served.model_card if served else None,
        **given,
    )
