"""Fetches one repository from a model hub. Runs inside the engine environment as a plain file, with no code of ours.

`python hub.py REPOSITORY REVISION TARGET` prints the commit that was fetched. An empty revision takes the newest one.
Only weights in safetensors, configuration, tokenizer, templates and texts are taken: nothing that could carry code.
The hub's address is its own client's setting (`HF_ENDPOINT`), for firms with a mirror of their own.
"""

import os
import sys

WANTED = ["*.safetensors", "*.json", "*.txt", "*.model", "*.jinja", "LICENSE*", "README.md"]


def main(repository: str, revision: str, target: str) -> None:
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ["HF_HUB_DISABLE_XET"] = "1"  # one host, one protocol: what a firm's proxy lets through
    os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
    from huggingface_hub import HfApi, snapshot_download

    commit = HfApi().model_info(repository, revision=revision or None).sha
    if commit is None:
        raise SystemExit(f"The hub names no commit for {repository}.")
    snapshot_download(repository, revision=commit, local_dir=target, allow_patterns=WANTED)
    sys.stdout.write(commit)


if __name__ == "__main__":
    main(*sys.argv[1:4])
