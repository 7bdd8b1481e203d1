"""Whether a run's bundle is published, and by which name it is then known."""

from __future__ import annotations

from typing import Any

from training.gating import judge_against_earlier
from training.outcome import is_refused
from training.publishing import publish_once
from training.request import Request
from training.session import Session


def release(session: Session, request: Request, metrics: dict[str, Any]) -> None:
    """Publishes the bundle if that is asked for and the gate does not refuse it, and writes down what came of it.

    Args:
        session: of the run.
        request: what is asked for.
        metrics: as `metrics.json` has them; `gate` and `published` are added.
    """
    verdict = judge_against_earlier(session, request) if request.gate else None
    if verdict is not None:
        metrics["gate"] = verdict.as_dict()
    metrics["published"] = None
    if request.publish and not is_refused(metrics):
        metrics["published"] = str(publish_once(session.run.bundle, request.models, session.data.recipe.name))
    session.run.write_metrics(metrics)
