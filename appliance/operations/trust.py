"""Nothing of a bundle is used before every byte of it was held against a signature that somebody here believes."""

from pathlib import Path

from appliance.bundle import Bundle, BundleRefused, verify
from appliance.bundle.checking import MANIFEST
from appliance.installation import Installation
from appliance.operations.errors import OperationFailed
from appliance.operations.playbook import Progress, Tell


def verified_bundle(bundle: Path, signers: Path, tell: Tell) -> Bundle:
    """The product's bundle, a folder or a link to one, once it was found good.

    Raises:
        BundleRefused: naming the file inside it and what is wrong.
        OperationFailed: it is no folder with a bundle of the product.
    """
    if not bundle.is_dir() or not (bundle / MANIFEST).exists():
        raise OperationFailed(
            f"{bundle} holds no bundle.", remedy="Unpack one there: 'appliance bundle install BUNDLE FOLDER'."
        )
    tell(Progress("play", "Verify the bundle"))
    found = verify(bundle.resolve(), allowed_signers=signers)
    if found.model is not None:
        raise OperationFailed(
            f"{bundle} is the bundle of the model {found.model.id}.", remedy="Name the product's; models lie beside it."
        )
    tell(Progress("verified", f"version {found.version}, {found.files} files, signed by {found.signed_by}"))
    return found


def verify_models(installation: Installation, bundle: Path, signers: Path, tell: Tell) -> None:
    """Bundles of models that lie beside the product's on this machine. Of others it is said that they were not seen.

    Raises:
        BundleRefused: naming the file inside it and what is wrong.
    """
    if installation.engines.model_dir:
        return
    for model in installation.models:
        folder = bundle.absolute().parent / f"model-{model.id}"
        if not folder.exists():
            tell(
                Progress("verified", f"model {model.id}: {folder} is not on this machine, so it was not verified here")
            )
            continue
        found = verify(folder.resolve(), allowed_signers=signers).model
        if found is None or found.id != model.id:
            raise BundleRefused(f"{folder}/{MANIFEST}", f"is not of the model {model.id}")
        tell(Progress("verified", f"model {model.id}"))
