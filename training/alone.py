"""Each modality alone: does merging help?"""

from __future__ import annotations

from model.errors import SpecError
from training.calibrated import test_figures
from training.modalities import modalities
from training.session import Session


def accuracies(session: Session) -> dict[str, dict[str, float]]:
    """Test accuracy of each head for each modality, trained and calibrated alone on the same splits.

    Args:
        session: of the run of the merged model.

    Returns:
        Empty if the recipe has one modality only; without one whose training diverged, which is told.
    """
    whole = session.data.recipe.spec
    found = {name: inputs for name, inputs in modalities(whole).items() if whole.has_heads_for(inputs)}
    if len(found) < 2:
        return {}
    result = {}
    for name, inputs in found.items():
        try:
            trained = session.train_part(f"alone-{name}", whole.only(inputs), title=f"Training the {name} alone")
        except SpecError as error:  # the merged model is trained, and has not to suffer for it
            session.reporter.say(f"warning: the {name} alone can't be trained: {error}")
            continue
        figures = test_figures(trained, session.data)
        result[name] = {head: one["accuracy"] for head, one in figures.items()}
    return result
