"""From a model on this machine to the plan of its bundle."""

from datetime import UTC
from pathlib import Path

from appliance.bundle.manifest import ModelFacts
from appliance.bundle.parts.models import ModelFolder, look_into
from appliance.bundle.plan import BuildPlan
from appliance.inference import InferenceSettings, ModelStore


def plan_model(settings: InferenceSettings, model_id: str, key: Path | None) -> BuildPlan:
    """Compares every byte with the hashes of when the model was added.

    Raises:
        ModelFilesMissing: it is not on this machine, or not as it was.
        BundleUnmade: a file of it could carry code.
    """
    store = ModelStore(settings)
    store.verify(model_id)
    manifest, folder = store.manifest(model_id), store.folder(model_id)
    dtypes, size = look_into(folder)
    facts = ModelFacts(
        id=model_id,
        repository=manifest.source,
        revision=manifest.revision,
        licence=manifest.licence,
        dtypes=dtypes,
        needed_memory_bytes=size,
    )
    return BuildPlan(
        version=manifest.revision,
        min_upgrade_from="0",
        targets=(),
        parts=(ModelFolder(folder, facts),),
        key=key,
        epoch_s=int(manifest.added_at.astimezone(UTC).timestamp()),
        model=facts,
    )
