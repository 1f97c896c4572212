import json
from pathlib import Path

import pytest
import tokenizers
from tokenizers import decoders, models, pre_tokenizers

from circuitcheck.errors import PromptError
from circuitcheck.prompts.tokens import Tokenizer
from prompts.examples import BOS, NAMES, backend, tokenizer


def folder(path: Path, **files: object) -> Path:
    """A model's folder with the small tokenizer and these JSON files."""
    backend(NAMES).save(str(path / "tokenizer.json"))
    for name, content in files.items():
        (path / f"{name}.json").write_text(json.dumps(content))
    return path


@pytest.mark.parametrize(
    ("files", "bos_id"),
    [
        ({"tokenizer_config": {"bos_token": BOS}}, 0),
        ({"tokenizer_config": {"bos_token": {"content": BOS, "lstrip": False}}}, 0),
        ({"tokenizer_config": {"bos_token": None, "eos_token": BOS}}, None),
        ({"tokenizer_config": {}, "special_tokens_map": {"bos_token": BOS}}, 0),
        ({"tokenizer_config": {"model_max_length": 1024}}, 0),  # GPT-2's own folder
        ({}, 0),
    ],
)
def test_bos_is_what_the_folder_says(tmp_path: Path, files: dict[str, object], bos_id: int | None) -> None:
    assert Tokenizer.from_directory(folder(tmp_path, **files)).bos_id == bos_id


def test_a_tokenizer_without_bos_has_none(tmp_path: Path) -> None:
    tokenizers.Tokenizer(models.WordLevel({"Ada": 0, "?": 1}, unk_token="?")).save(
        str(tmp_path / "tokenizer.json")
    )
    assert Tokenizer.from_directory(tmp_path).bos_id is None


def test_a_missing_tokenizer_is_told(tmp_path: Path) -> None:
    with pytest.raises(PromptError) as caught:
        Tokenizer.from_directory(tmp_path)
    assert str(caught.value) == (
        f"there is no {tmp_path}/tokenizer.json. "
        "Give the folder of a model in Hugging Face format, with its tokenizer.json."
    )


def test_a_damaged_tokenizer_is_told(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text('{"version": "1.0", "mod')
    with pytest.raises(
        PromptError, match=r"tokenizer\.json cannot be read as a tokenizer \(EOF while parsing"
    ):
        Tokenizer.from_directory(tmp_path)


@pytest.mark.parametrize(("text", "what"), [("{", "cannot be read as JSON"), ("[]", "is not a JSON object")])
def test_a_damaged_configuration_is_told(tmp_path: Path, text: str, what: str) -> None:
    (folder(tmp_path) / "tokenizer_config.json").write_text(text)
    with pytest.raises(PromptError, match=rf"tokenizer_config\.json {what}"):
        Tokenizer.from_directory(tmp_path)


def test_a_bos_token_that_the_vocabulary_lacks_is_told(tmp_path: Path) -> None:
    with pytest.raises(PromptError, match=r"names the BOS token '<s>', which tokenizer\.json lacks\.$"):
        Tokenizer.from_directory(folder(tmp_path, tokenizer_config={"bos_token": "<s>"}))


def test_encoding_gives_ids_with_their_characters_and_nothing_else() -> None:
    made = backend(NAMES)
    made.post_processor = tokenizers.processors.TemplateProcessing(
        single=f"{BOS} $A", special_tokens=[(BOS, 0)]
    )
    made.enable_truncation(1)
    made.enable_padding(length=9)
    wrapped = Tokenizer.from_backend(made, 0)
    ids, offsets = wrapped.encode("Ada Ben")
    assert [wrapped.decode(token) for token in ids] == ["Ada", " Ben"]
    assert [("Ada Ben")[start:end] for start, end in offsets] == ["Ada", " Ben"]


def test_wrapping_leaves_the_given_tokenizer_alone() -> None:
    made = backend(NAMES)
    made.enable_truncation(1)
    Tokenizer.from_backend(made, 0)
    assert made.truncation is not None


def test_decoding_keeps_the_leading_space_of_a_sentencepiece_token() -> None:
    made = tokenizers.Tokenizer(models.WordLevel({"▁Ada": 0, "▁Ben": 1, "?": 2}, unk_token="?"))
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.decoder = decoders.Metaspace()
    wrapped = Tokenizer.from_backend(made, None)
    assert [wrapped.decode(token) for token in wrapped.encode("Ada Ben")[0]] == [" Ada", " Ben"]


def test_special_tokens_decode_to_their_text() -> None:
    assert tokenizer().decode(0) == BOS


def test_the_digest_tells_tokenizers_apart() -> None:
    assert tokenizer().digest == tokenizer().digest
    others = [tokenizer(bos_id=None), tokenizer(["Ada"])]
    assert len({tokenizer().digest, *(each.digest for each in others)}) == 3
