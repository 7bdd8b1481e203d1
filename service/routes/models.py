"""`GET /models` and `GET /models/{name}`."""

from __future__ import annotations

from fastapi import APIRouter, Request

from model.errors import NotFoundError
from model.validation import nearest
from service.schemas import ModelInfo, VersionState
from service.store import Store

router = APIRouter(tags=["models"])


@router.get("/models")
async def list_models(request: Request) -> dict[str, list[ModelInfo]]:
    """All models, their versions and states; figures without the tables by class."""
    store: Store = request.app.state.store
    return {"models": [_without_tables(_info(store, name)) for name in store.names()]}


@router.get("/models/{name}")
async def get_model(request: Request, name: str) -> ModelInfo:
    """One model: what it takes, its labels, how well it does."""
    store: Store = request.app.state.store
    if name not in store.names():
        raise NotFoundError(f"No model {name!r}{nearest(name, store.names())}")
    return _info(store, name)


def _without_tables(info: ModelInfo) -> ModelInfo:
    """Leaves out what grows with the number of classes: of many models at once it would be megabytes."""
    metrics = {
        head: {key: value for key, value in figures.items() if key not in ("classes", "confusion")}
        for head, figures in info.metrics.items()
    }
    return info.model_copy(update={"metrics": metrics})


def _info(store: Store, name: str) -> ModelInfo:
    served, refused = store.served(name), store.refused(name)
    states = []
    for version in store.versions(name):
        if version in refused:
            states.append(VersionState(version=version, state="refused", reason=refused[version]))
        else:
            is_served = served is not None and served.version == version
            states.append(VersionState(version=version, state="ready" if is_served else "not_loaded"))
    if served is None:
        return ModelInfo(name=name, versions=states, inputs={}, labels={}, metrics={}, created=None)
    spec = served.metadata.spec
    return ModelInfo(
        name=name,
        versions=states,
        inputs={input_name: given.model_dump(exclude_none=True) for input_name, given in spec.inputs.items()},
        labels={head: list(one.labels) for head, one in spec.heads.items()},
        metrics=served.metadata.metrics,
        created=served.metadata.created,
    )
