"""`for_all` on a small family: what is found, how it is shrunk, and what is said where nothing is found."""

import json

import pytest
from prompts.examples import mini
from searches import PROMPTS, TextEngine, search_of, searched, spec_of

from circuitcheck.engine import CLEAN
from circuitcheck.errors import MeasurementError
from circuitcheck.prompts.generate import generate
from circuitcheck.prompts.pairs import PromptPair
from circuitcheck.prompts.populations import Example
from circuitcheck.spec.for_all import ForAll
from circuitcheck.spec.prompts import PromptsRef
from circuitcheck.verdict import Outcome

CLEAN_CLAIM = "measure: clean, for_all: {n}, expect: {{logit_diff: '> 0'}}"
LATE = ("Cleo", "Dan", "Eve", "Fay", "Gus", "Hal")


def clean_claim(n=200):
    return CLEAN_CLAIM.format(n=n)


def always(request, pair, text):
    return 1.0


def fails_in_the_rain(request, pair, text):
    """Wrong on prompts of the second template whose answer is the third name or a later one."""
    return -1.0 if "rained" in text and pair.answer.strip() in LATE else 1.0


def test_a_false_claim_is_refuted_by_its_simplest_counterexample(tmp_path):
    verdict, search = searched(spec_of(clean_claim()), TextEngine(fails_in_the_rain), tmp_path)
    assert verdict.outcome is Outcome.REFUTED
    # The second template, as it must be; else the first order, the first names that do, the first place.
    assert [worst.prompt for worst in verdict.worst] == [
        "In the park it rained on Cleo and Ada, so Ada went with"
    ]
    (worst,) = verdict.worst
    assert (worst.template, worst.order, worst.before, worst.after) == ("rain", "ABBA", -1.0, -1.0)
    n = len(search.tried)
    assert verdict.n == n < verdict.budget == 200
    assert verdict.reason == (
        f"counterexample after {n} prompts, shrunk to: "
        '"In the park it rained on Cleo and Ada, so Ada went with"'
    )


def test_the_first_prompt_tried_is_the_simplest_of_all(tmp_path):
    verdict, _ = searched(spec_of(clean_claim()), TextEngine(lambda *_: -1.0), tmp_path)
    assert verdict.reason == (
        'counterexample after 1 prompt, shrunk to: "Then Ada and Ben walked to the park. Ben gave it to"'
    )


def test_a_claim_that_no_prompt_breaks_says_how_many_were_searched_and_gives_no_bound(tmp_path):
    verdict, search = searched(spec_of(clean_claim()), TextEngine(always), tmp_path)
    assert verdict.outcome is Outcome.SUPPORTED
    assert len(search.tried) == verdict.n == 200
    assert verdict.reason == (
        "no counterexample among 200 prompts that Hypothesis drew; "
        "they are not a random sample, so no bound follows"
    )
    (part,) = verdict.parts
    assert (part.low, part.high, part.p_support, part.p_refute, part.n) == (None, None, 0.0, 1.0, 200)


def test_the_prompts_tried_are_all_different_and_measured_in_three_batches(tmp_path):
    engine = TextEngine(always)
    searched(spec_of(clean_claim()), engine, tmp_path)
    assert [len(prompts) for prompts in engine.calls] == [32, 64, 104]
    texts = [pair.clean for prompts in engine.calls for pair in prompts.pairs]
    assert len(set(texts)) == 200


def test_what_is_found_is_found_in_a_batch_and_only_shrinking_goes_one_by_one(tmp_path):
    engine = TextEngine(fails_in_the_rain)
    searched(spec_of(clean_claim()), engine, tmp_path)
    assert len(engine.calls[0]) == 32
    assert {len(prompts) for prompts in engine.calls[1:]} == {1}
    assert len(engine.calls) < 60


def test_a_family_of_fewer_prompts_is_searched_whole_and_the_verdict_says_so(tmp_path):
    verdict, _ = searched(spec_of(clean_claim(PROMPTS + 1)), TextEngine(always), tmp_path)
    assert verdict.outcome is Outcome.SUPPORTED
    assert verdict.n == PROMPTS
    assert verdict.reason == f"no counterexample: all {PROMPTS} prompts that there are were tried"


def test_as_many_prompts_as_there_are_is_all_of_them(tmp_path):
    verdict, _ = searched(spec_of(clean_claim(PROMPTS)), TextEngine(always), tmp_path)
    assert verdict.reason == f"no counterexample: all {PROMPTS} prompts that there are were tried"


def test_of_a_whole_family_the_first_counterexample_is_the_simplest(tmp_path):
    verdict, search = searched(spec_of(clean_claim(PROMPTS)), TextEngine(fails_in_the_rain), tmp_path)
    n = len(search.tried)
    assert verdict.outcome is Outcome.REFUTED
    assert verdict.reason == (
        f"counterexample after {n} prompts, the simplest of all is: "
        '"In the park it rained on Cleo and Ada, so Ada went with"'
    )


class Repeating:
    """A few prompts, twenty at most, each of which very many ways of picking lead to."""

    digest = "repeating"

    def __init__(self, prompts=20):
        self.prompts = prompts
        names = ["Ada", "Ben", "Cleo", "Dan", "Eve"]
        self.texts = [(f"Then {a} gave it to", a, b) for a in names for b in names if a != b]

    def example(self, picks):
        picks(90), picks(90)
        text, word, answer = self.texts[picks(self.prompts)]
        span = (5, 5 + len(word))
        pair = PromptPair(text, text, f" {answer}", (f" {word}",), "t", "-", {"S": (span, span)})
        return Example(pair)


def test_fewer_prompts_than_asked_for_are_inconclusive_unless_there_are_no_others(tmp_path):
    verdict, search = searched(spec_of(clean_claim(25)), TextEngine(always), tmp_path, population=Repeating())
    assert len(search.tried) == 20
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.reason == (
        "only 20 of 25 different prompts could be drawn, and none of them breaks the claim. "
        "Write for_all: 20, or give the prompts longer lists"
    )
    assert [part.outcome for part in verdict.parts] == [Outcome.INCONCLUSIVE]
    few, _ = searched(spec_of(clean_claim(25)), TextEngine(always), tmp_path, population=Repeating(9))
    assert few.reason == (
        "only 9 of 25 different prompts could be drawn, and none of them breaks the claim. "
        "Give the prompts longer lists"
    )


def test_the_seed_of_the_file_decides_which_prompts_are_tried(tmp_path):
    def texts(seed):
        search = search_of(spec_of(clean_claim(), seed=seed), TextEngine(always), tmp_path)
        search.finding()
        return list(search.tried)

    assert texts(3) == texts(3)
    assert texts(3) != texts(4)


def test_a_remembered_counterexample_is_found_on_the_first_prompt_and_not_shrunk_again(tmp_path):
    first, _ = searched(spec_of(clean_claim()), TextEngine(fails_in_the_rain), tmp_path)
    engine = TextEngine(fails_in_the_rain)
    again, search = searched(spec_of(clean_claim()), engine, tmp_path)
    assert len(search.tried) == again.n == 1
    # A batch shows whether the intervention does anything, and the remembered prompt may be in it.
    assert [len(prompts) for prompts in engine.calls] in ([32], [32, 1])
    assert again.worst == first.worst
    assert again.reason == (
        "counterexample after 1 prompt, remembered from an earlier run, shrunk to: "
        '"In the park it rained on Cleo and Ada, so Ada went with"'
    )


def test_a_remembered_prompt_that_breaks_the_claim_no_more_is_forgotten(tmp_path):
    searched(spec_of(clean_claim()), TextEngine(fails_in_the_rain), tmp_path)
    verdict, search = searched(spec_of(clean_claim()), TextEngine(always), tmp_path)
    assert verdict.outcome is Outcome.SUPPORTED
    assert verdict.n == 201, "200 that are drawn, and the remembered one, which is none of them"
    assert list(search.memory.recalled()) == []


def test_another_claim_or_another_family_does_not_remember_it(tmp_path):
    searched(spec_of(clean_claim()), TextEngine(fails_in_the_rain), tmp_path)
    other_claim = search_of(spec_of(clean_claim(), name="other"), TextEngine(always), tmp_path)
    reversed_names = spec_of(clean_claim()).prompts.family.model_dump(exclude_unset=True)
    reversed_names["lists"]["names"] = reversed_names["lists"]["names"][::-1]
    other_family = search_of(spec_of(clean_claim(), family=reversed_names), TextEngine(always), tmp_path)
    same = search_of(spec_of(clean_claim()), TextEngine(always), tmp_path)
    found = [list(each.memory.recalled()) for each in (other_claim, other_family, same)]
    assert list(map(len, found)) == [0, 0, 1]


def test_a_damaged_memory_is_no_memory(tmp_path):
    searched(spec_of(clean_claim()), TextEngine(fails_in_the_rain), tmp_path)
    search = search_of(spec_of(clean_claim()), TextEngine(fails_in_the_rain), tmp_path)
    (kept,) = search.memory.recalled()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    damaged = [path for path in files if path.read_bytes().startswith(b"[")]
    assert len(damaged) == 1
    damaged[0].write_bytes(b"[99, 1")
    assert list(search.memory.recalled()) == []
    damaged[0].write_bytes(b"[99, 1]")
    assert list(search.memory.recalled()) == []
    verdict, _ = searched(spec_of(clean_claim()), TextEngine(fails_in_the_rain), tmp_path)
    assert verdict.worst[0].prompt == kept.pair.clean


def test_nothing_is_printed_but_the_progress_is_told(tmp_path, capsys):
    told = []
    searched(
        spec_of(clean_claim()),
        TextEngine(always),
        tmp_path,
        told=lambda done, wanted: told.append((done, wanted)),
    )
    searched(spec_of(clean_claim()), TextEngine(fails_in_the_rain), tmp_path)
    assert told == [(k, 200) for k in range(1, 201)]
    assert capsys.readouterr() == ("", "")


def test_a_prompt_that_cannot_be_measured_is_an_error_and_no_counterexample(tmp_path):
    calls = []

    def broken(request, pair, text):
        calls.append(text)
        msg = "the logits are not finite"
        raise MeasurementError(msg)

    with pytest.raises(MeasurementError, match="the logits are not finite"):
        searched(spec_of(clean_claim()), TextEngine(broken), tmp_path)
    assert len(calls) == 1


def test_an_error_while_a_counterexample_is_shrunk_is_that_error(tmp_path):
    def broken(request, pair, text):
        if engine.calls[1:]:
            msg = "the model is gone"
            raise MeasurementError(msg)
        return fails_in_the_rain(request, pair, text)

    engine = TextEngine(broken)
    with pytest.raises(MeasurementError, match="the model is gone"):
        searched(spec_of(clean_claim()), engine, tmp_path)
    assert len(engine.calls) == 2


def test_an_interrupted_search_remembers_nothing(tmp_path):
    def interrupted(request, pair, text):
        if len(engine.calls) > 5:
            raise KeyboardInterrupt
        return fails_in_the_rain(request, pair, text)

    engine = TextEngine(interrupted)
    with pytest.raises(KeyboardInterrupt):
        searched(spec_of(clean_claim()), engine, tmp_path)
    assert len(engine.calls) == 6
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


def test_the_answer_is_read_on_the_clean_run_only(tmp_path):
    asked = set()

    def answer(request, pair, text):
        asked.add(request.condition)
        return 1.0

    searched(spec_of(clean_claim()), TextEngine(answer), tmp_path)
    assert asked == {CLEAN}


def spec_of_rows(folder, prompts):
    """A file of sixteen pairs, four of each template and order."""
    rows = [
        {
            "clean": pair.clean,
            "corrupt": pair.corrupt,
            "answer": pair.answer,
            "foils": list(pair.foils),
            "template": pair.template,
            "order": pair.order,
            "roles": {role: [list(span) for span in spans] for role, spans in pair.spans.items()},
        }
        for pair in generate(mini(), n=16, seed=0, corrupt="s2_to_io")
    ]
    path = folder / "pairs.json"
    path.write_text(json.dumps(rows), encoding="utf-8")
    written = spec_of("ablate: L1H0@S2, for_all: 200, expect: {effect: '<= 0'}")
    claim = written.claims[0].model_copy(update={"for_all": ForAll(prompts=prompts)})
    return rows, written.model_copy(update={"prompts": PromptsRef(pairs=str(path)), "claims": (claim,)})


def test_rows_of_a_file_are_searched_with_donors_of_their_kind(tmp_path):
    rows, spec = spec_of_rows(tmp_path, 48)
    verdict, search = searched(spec, TextEngine(always), tmp_path / "memory")
    assert verdict.outcome is Outcome.SUPPORTED
    assert verdict.reason == "no counterexample: all 48 prompts that there are were tried"
    assert {example.pair.clean for example in search.tried.values()} == {row["clean"] for row in rows}


def test_a_row_that_breaks_the_claim_is_shrunk_to_the_first_that_does(tmp_path):
    rows, spec = spec_of_rows(tmp_path, 40)
    late = {row["clean"] for row in rows[5:]}

    def answer(request, pair, text):
        return 2.0 if request.condition.intervention is not None and pair.clean in late else 1.0

    verdict, _ = searched(spec, TextEngine(answer), tmp_path / "memory")
    assert verdict.outcome is Outcome.REFUTED
    assert verdict.worst[0].prompt == rows[5]["clean"]
    kind = rows[5]["template"], rows[5]["order"]
    lender = next(row for row in rows if (row["template"], row["order"]) == kind and row is not rows[5])
    assert verdict.reason.endswith(f'with values from "{lender["corrupt"]}"')
