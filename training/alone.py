"""Each modality alone: does merging help?"""

from __future__ import annotations

from training.modalities import modalities
from training.session import Session


def accuracies(session: Session) -> dict[str, dict[str, float]]:
    """Test accuracy of each head for each modality, trained alone on the same splits with the same settings.

    Args:
        session: of the run of the merged model.

    Returns:
        Empty if the recipe has one modality only.
    """
    data = session.data
    whole = data.recipe.spec
    found = {name: inputs for name, inputs in modalities(whole).items() if whole.has_heads_for(inputs)}
    if len(found) < 2:
        return {}
    result = {}
    for name, inputs in found.items():
        spec = whole.only(inputs)
        trained = session.train_part(f"alone-{name}", spec, title=f"Training the {name} alone")
        result[name] = trained.accuracy(data.test.only(spec))
    return result
