"""A bundle of a model holds tensors and text, nothing that a reader would run."""

import pickle
from pathlib import Path

import pytest

from appliance.bundle import BundleRefused, BundleUnmade, build, install, make_key, verify
from tests.support.bundles import model_folder, model_plan, safetensors, silent

HUGE_HEADER = (1 << 40).to_bytes(8, "little") + b"{}"
UNSAFE: list[tuple[str, bytes, str]] = [
    ("pytorch_model.bin", pickle.dumps({"a": 1}), "could carry code"),
    ("weights.pkl", pickle.dumps({"a": 1}), "could carry code"),
    ("modeling.py", b"import os\n", "could carry code"),
    ("lib.so", b"\x7fELF", "could carry code"),
    ("notes.txt", pickle.dumps([1, 2]), "is a pickle"),
    ("more.safetensors", pickle.dumps({"a": 1}, protocol=4), "is a pickle"),
    ("more.json", b"PK\x03\x04", "packed archive"),
    ("README.md", b"#!/bin/sh\n", "is a program"),
    ("config.json", b'{"auto_map": {"AutoModel": "m.M"}}', "code of its own"),
    ("tokenizer_config.json", b'{"auto_map": {"AutoTokenizer": "t.T"}}', "code of its own"),
    ("broken.json", b"{", "is no JSON"),
    ("cut.safetensors", safetensors()[:-1], "do not fill it"),
    ("long.safetensors", safetensors() + b"PK\x03\x04", "do not fill it"),
    ("huge.safetensors", HUGE_HEADER, "header does not fit"),
    ("sub/modeling.py", b"", "could carry code"),
]


@pytest.mark.parametrize(("name", "data", "why"), UNSAFE, ids=[row[0] for row in UNSAFE])
def test_a_file_that_could_run_is_refused_when_it_is_made_and_when_it_is_read(
    tmp_path: Path, name: str, data: bytes, why: str
) -> None:
    signers, _ = make_key(tmp_path / "key")
    folder = model_folder(tmp_path / "model", {name: data})
    with pytest.raises(BundleUnmade, match=why) as refused:
        model_plan(folder, tmp_path / "key")
    assert refused.value.message.startswith(name)
    build(model_plan(folder, tmp_path / "key", look=False), tmp_path / "careless", silent)
    with pytest.raises(BundleRefused, match=why) as again:
        verify(tmp_path / "careless", allowed_signers=signers)
    assert again.value.file == f"files/{name}"
    with pytest.raises(BundleRefused, match=why):
        install(tmp_path / "careless", tmp_path / "in", allowed_signers=signers, installed="", progress=silent)
    assert not (tmp_path / "in").exists()


def test_a_good_model_says_what_it_is(tmp_path: Path) -> None:
    signers, _ = make_key(tmp_path / "key")
    folder = model_folder(tmp_path / "model", {"b.safetensors": safetensors(dtype="F32"), "LICENSE": b"Free.\n"})
    build(model_plan(folder, tmp_path / "key"), tmp_path / "model.tar", silent)
    found = verify(tmp_path / "model.tar", allowed_signers=signers, installed="9.0").model
    assert found is not None
    assert (found.id, found.revision, found.licence, found.dtypes) == ("tiny", "abc", "MIT", ("BF16", "F32"))


def test_a_folder_without_tensors_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(BundleUnmade, match="has no"):
        model_plan(tmp_path, None)
