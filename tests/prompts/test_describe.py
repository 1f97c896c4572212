import tokenizers
from tokenizers import decoders, models, pre_tokenizers

from circuitcheck.prompts.build import describe_prompts
from circuitcheck.prompts.generate import generate
from circuitcheck.prompts.pairs import PromptPair
from circuitcheck.prompts.tokenise import tokenise
from circuitcheck.prompts.tokens import Tokenizer
from prompts.examples import mini, pair, tokenizer

TWO_PROMPTS = """\
prompt 1 of 16: template walk, order ABBA
answer ' Fay', foil ' Hal'
index                  0    1    2    3    4       5   6    7     8 9     10    11  12
clean    <|endoftext|>|Then|·Fay|·and|·Hal|·walked|·to|·the|·park|.|·Hal |·gave|·it|·to
corrupt  <|endoftext|>|Then|·Ben|·and|·Ada|·walked|·to|·the|·park|.|·Cleo|·gave|·it|·to
role                        IO        S1                            S2              END

prompt 2 of 16: template rain, order ABBA
answer ' Dan', foil ' Hal'
index                  0  1    2     3   4       5   6    7    8    9 10  11   12    13
clean    <|endoftext|>|In|·the|·shop|·it|·rained|·on|·Dan|·and|·Hal|,|·so|·Hal|·went|·with
corrupt  <|endoftext|>|In|·the|·shop|·it|·rained|·on|·Ben|·and|·Gus|,|·so|·Ada|·went|·with
role                                                 IO        S1         S2         END"""
BLOCKS = """\
prompt 1 of 1: template -, order -
answer ' Cleo', foil ' Ada', ' Dan'
index    0    1    2
clean    Then|·Ada|·gave
corrupt  Then|·Ben|·gave
role          S

index    3   4
clean    ·it|·to
corrupt  ·it|·to
role     V   END"""


def test_two_prompts_are_drawn_in_columns_with_their_roles() -> None:
    prompts = tokenise(generate(mini(), n=16, seed=0, corrupt="fresh_names"), tokenizer(), bos=None, seed=0)
    assert describe_prompts(prompts, tokenizer(), 2) == TWO_PROMPTS


def test_long_prompts_go_on_in_further_blocks() -> None:
    written = pair(foils=(" Ada", " Dan"), roles={"S": "Ada/Ben", "V": "it/it"})
    prompts = tokenise([written], tokenizer(), bos=False, seed=0)
    assert describe_prompts(prompts, tokenizer(), 5, width=26) == BLOCKS


def test_a_column_wider_than_the_line_stands_alone() -> None:
    prompts = tokenise([pair()], tokenizer(), bos=False, seed=0)
    lines = describe_prompts(prompts, tokenizer(), 1, width=1).splitlines()
    assert [line for line in lines if line.startswith("clean")] == [
        f"clean    {token}" for token in ("Then", "·Ada", "·gave", "·it", "·to")
    ]


def test_two_roles_on_one_token_share_its_column() -> None:
    prompts = tokenise([pair(roles={"S": "Ada/Ben", "last": "to/to"})], tokenizer(), bos=False, seed=0)
    assert (
        describe_prompts(prompts, tokenizer(), 1).splitlines()[-1] == "role          S              last,END"
    )


def test_unprintable_and_wide_characters_keep_the_columns() -> None:
    made = tokenizers.Tokenizer(models.WordLevel({"東": 0, "\n": 1, "a": 2, "b": 3, "?": 4}, unk_token="?"))
    made.pre_tokenizer = pre_tokenizers.Split(tokenizers.Regex(r"[\s\S]"), behavior="isolated")
    made.decoder = decoders.Fuse()
    using = Tokenizer.from_backend(made, None)
    written = PromptPair("東\naa", "a\nba", "a", ("b",), "-", "-", {"last": ((3, 4), (3, 4))})
    prompts = tokenise([written], using, bos=None, seed=0)
    assert describe_prompts(prompts, using, 1).splitlines()[2:] == [
        "index    0  1  2 3",
        r"clean    東|\n|a|a",
        r"corrupt  a |\n|b|a",
        "role             last,END",
    ]
