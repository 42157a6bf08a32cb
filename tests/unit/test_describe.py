"""A catalogue entry from a checkpoint's own files."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.inference import Catalogue, Entry, Wishes, describe, save_entry
from appliance.inference.catalogue import ChatProbe, Probes
from appliance.inference.describe import is_hub_id, slug, to_toml
from appliance.inference.errors import CatalogueInvalid
from tests.support.checkpoints import CARD, CHAT, EMBED, write_checkpoint


def made(tmp_path: Path, config: dict[str, Any], *, card: str = CARD, wishes: Wishes | None = None) -> Entry:
    folder = write_checkpoint(tmp_path / "given", config, card=card)
    return describe(folder, wishes or Wishes(), source="acme/Tiny-Chat_1.5", revision="abc")


def test_a_chat_model_is_told_by_its_architecture(tmp_path: Path) -> None:
    entry = made(tmp_path, CHAT)
    assert (entry.id, entry.task, entry.licence) == ("tiny-chat-1.5", "chat", "apache-2.0")
    assert entry.languages == ("en", "ja")
    assert entry.parameters_billion == round((1000 * 64 + 64) / 1e9, 3)
    assert entry.kv_bytes_per_token == 2 * 2 * 16 * 2 * 2
    assert (entry.context_tokens, entry.window_tokens()) == (131072, 32768)
    assert entry.probe.chat is not None


def test_an_embedding_model_is_told_by_its_pooling(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "given", EMBED)
    (folder / "modules.json").write_text("[]")
    entry = describe(folder, Wishes(query_prefix="query: "), source="/srv/models/tiny", revision="local")
    assert (entry.task, entry.dimension, entry.context_tokens) == ("embed", 32, 512)
    assert "--runner" in entry.engine_args
    assert entry.probe.embed is not None
    assert entry.probe.embed.text.startswith("query: ")
    assert entry.profile().query_prefix == "query: "


@pytest.mark.parametrize(
    ("architecture", "task"),
    [
        ("BertForSequenceClassification", "rerank"),
        ("Qwen2_5_VLForConditionalGeneration", "chat"),
        ("WhisperForConditionalGeneration", "transcribe"),
    ],
)
def test_other_tasks_are_told_too(tmp_path: Path, architecture: str, task: str) -> None:
    assert made(tmp_path, {**CHAT, "architectures": [architecture]}).task == task


def test_what_cannot_be_told_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(CatalogueInvalid, match="licence") as unlicensed:
        made(tmp_path / "1", CHAT, card="")
    assert "--licence" in unlicensed.value.sentence()
    with pytest.raises(CatalogueInvalid) as unknown:
        made(tmp_path / "2", {**CHAT, "architectures": ["SomethingElse"]})
    assert "--task" in unknown.value.sentence()
    with pytest.raises(CatalogueInvalid, match="window"):
        made(tmp_path / "3", {k: v for k, v in CHAT.items() if k != "max_position_embeddings"})
    assert made(tmp_path / "4", CHAT, card="", wishes=Wishes(licence="MIT", model_id="ours")).id == "ours"


def test_broken_weights_are_named(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "given", CHAT)
    (folder / "model.safetensors").write_bytes(b"\xff" * 40)
    with pytest.raises(CatalogueInvalid, match=r"model\.safetensors"):
        describe(folder, Wishes(), source="acme/tiny", revision="")


def test_a_saved_entry_is_part_of_the_catalogue(tmp_path: Path) -> None:
    entry = made(tmp_path, CHAT)
    save_entry(entry, tmp_path)
    assert Catalogue.load(tmp_path).get(entry.id) == entry
    assert Catalogue.load(tmp_path).by_source("ACME/tiny-chat_1.5") == entry


words = st.text(st.characters(codec="utf-8"), max_size=30)


@given(name=words, licence=words, prefix=words, prompt=words)
def test_every_text_survives_the_file(
    tmp_path_factory: pytest.TempPathFactory, name: str, licence: str, prefix: str, prompt: str
) -> None:
    probe = Probes(chat=ChatProbe(prompt=prompt, contains="x"))
    entry = Entry("an-id", name, "chat", "a/b", licence, 0.1, 512, "", probe, query_prefix=prefix)
    folder = tmp_path_factory.mktemp("entry")
    (folder / "made.toml").write_text(to_toml(entry), encoding="utf-8")
    assert Catalogue.load(folder).get("an-id") == entry


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("Qwen/Qwen3-8B", True), ("qwen3-8b", False), ("/srv/m", False), ("a/b/c", False), ("../b", False)],
)
def test_a_hub_id_is_owner_and_name(text: str, wanted: bool) -> None:
    assert is_hub_id(text) is wanted


def test_an_id_is_safe_as_a_folder() -> None:
    assert slug("../../etc/passwd") == "passwd"
    assert slug("a/..") == "model"
    assert slug("Org/Model (v2)") == "model-v2"
