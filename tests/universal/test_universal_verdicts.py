"""What a claim about every prompt comes out as, by its verb, its expectations, and what replaces its nodes."""

import pytest
from searches import TextEngine, searched, spec_of, trials_of

from circuitcheck.engine import ActivationReading, AttentionReading, MetricReading, Source
from circuitcheck.errors import MeasurementError, PromptError
from circuitcheck.verdict import Outcome

SIMPLEST = "Then Ada and Ben walked to the park. Ben gave it to"


def by_run(clean, intervened, corrupt=0.0):
    """An engine's answer from what each run gives, a number or a function of (pair, text)."""

    def answer(request, pair, text):
        side = {"clean": clean, "corrupt": corrupt}[request.condition.side]
        value = side if request.condition.intervention is None else intervened
        return value(pair, text) if callable(value) else value

    return TextEngine(answer)


def verdict_of_claim(claim, engine, folder):
    return searched(spec_of(claim), engine, folder)[0]


def test_an_effect_that_every_prompt_shows_is_supported_by_the_prompt_that_shows_it_least(tmp_path):
    def ablated(pair, text):
        return 1.0 if "farm" in text else 0.5

    verdict = verdict_of_claim(
        "ablate: L1H0@END, with: zero, for_all: 100, expect: {effect: '<= -0.5'}",
        by_run(2.0, ablated),
        tmp_path,
    )
    assert verdict.outcome is Outcome.SUPPORTED
    (part,) = verdict.parts
    assert (part.estimate, part.slice, part.outcome) == (
        -1.0,
        "the nearest of 100 prompts",
        Outcome.SUPPORTED,
    )
    assert {(worst.before, worst.after) for worst in verdict.worst} == {(2.0, 1.0)}
    assert all("farm" in worst.prompt for worst in verdict.worst)
    assert verdict.population == "all prompts of these 2 templates in 2 orders"
    assert {len(column) for column in verdict.values.values()} == {100}


def test_a_share_is_judged_without_dividing(tmp_path):
    claim = "ablate: L1H0@END, with: zero, for_all: 100, expect: {drop: '>= 0.25'}"
    assert verdict_of_claim(claim, by_run(4.0, 3.0), tmp_path / "a").outcome is Outcome.SUPPORTED
    verdict = verdict_of_claim(claim, by_run(4.0, 3.1), tmp_path / "b")
    assert verdict.outcome is Outcome.REFUTED
    assert verdict.parts[0].estimate == pytest.approx(0.9 / 4)


@pytest.mark.parametrize("clean", [0.0, -4.0])
def test_a_share_of_nothing_or_less_breaks_the_claim_and_is_said_to(clean, tmp_path):
    def of_one(pair, text):
        return clean if pair.answer == " Dan" else 4.0

    # Where the clean metric is -4, the drop (m - a) / m would be a fine 1.0.
    claim = "ablate: L1H0@END, with: zero, for_all: 200, expect: {drop: '>= 0.25'}"
    verdict = verdict_of_claim(claim, by_run(of_one, 0.0), tmp_path)
    assert verdict.outcome is Outcome.REFUTED
    assert verdict.reason.endswith(
        'shrunk to: "Then Dan and Ada walked to the park. Ada gave it to"; '
        "the denominator is not above zero here"
    )
    (part,) = verdict.parts
    assert (part.estimate, part.reason) == (None, "the denominator is not above zero here")


def test_recovering_more_than_all_of_the_behaviour_breaks_the_claim_too(tmp_path):
    def answer(request, pair, text):
        done = request.condition.intervention
        return 2.0 if done is None else 3.0 if done.nodes else 0.0

    claim = "keep: L1H0@END, with: zero, for_all: 20, expect: {recovered: '>= 0.8'}"
    verdict = verdict_of_claim(claim, TextEngine(answer), tmp_path / "a")
    assert verdict.outcome is Outcome.REFUTED
    assert verdict.parts[0].expected == ">= 0.8 and <= 1.2"
    lenient = f"{claim}, at_most: none"
    assert verdict_of_claim(lenient, TextEngine(answer), tmp_path / "b").outcome is Outcome.SUPPORTED


def test_one_expectation_that_breaks_refutes_and_the_others_are_left_open(tmp_path):
    def answer(request, pair, text):
        wrong = isinstance(request.reading, MetricReading) and request.reading.name == "accuracy"
        return 0.0 if wrong and pair.answer == " Hal" else 1.0

    claim = "measure: clean, for_all: 200, expect: {logit_diff: '> 0', accuracy: '>= 1'}"
    verdict = verdict_of_claim(claim, TextEngine(answer), tmp_path)
    assert verdict.outcome is Outcome.REFUTED
    assert verdict.deciding.quantity == "accuracy"
    assert {part.quantity: part.outcome for part in verdict.parts} == {
        "logit_diff": Outcome.INCONCLUSIVE,
        "accuracy": Outcome.REFUTED,
    }
    assert verdict.parts[0].reason == "the search ended at a prompt that breaks another expectation"


def test_each_head_has_to_attend_on_each_prompt(tmp_path):
    def answer(request, pair, text):
        assert isinstance(request.reading, AttentionReading)
        return 0.1 if request.reading.head.head == 1 and "rained" in text else 0.9

    claim = "attends: [L1H0@END, L1H1@END], to: S2, for_all: 50, expect: {attention: '>= 0.5'}"
    verdict = verdict_of_claim(claim, TextEngine(answer), tmp_path)
    assert verdict.deciding.slice == "L1H1@END, the prompt found"
    assert verdict.deciding.estimate == 0.1


def test_a_feature_has_to_be_active_on_every_prompt(tmp_path):
    def answer(request, pair, text):
        assert isinstance(request.reading, ActivationReading)
        return 0.0 if pair.order == "BABA" else 2.0

    spec = spec_of("activates: L1.z/3@S2, for_all: 50, expect: {mean: '>= 0.1'}, tags: [slow]")
    verdict, _ = searched(spec, TextEngine(answer), tmp_path)
    assert verdict.outcome is Outcome.REFUTED
    assert verdict.worst[0].prompt == "Then Ben and Ada walked to the park. Ben gave it to"
    assert verdict.tags == ("slow",)


def test_every_way_of_replacing_has_to_do(tmp_path):
    def answer(request, pair, text):
        done = request.condition.intervention
        return 2.0 if done is None else 1.9 if done.source.kind == "mean" else 0.0

    claim = "ablate: L1H0@END, with: [zero, mean], for_all: 20, expect: {drop: '>= 0.5'}"
    verdict = verdict_of_claim(claim, TextEngine(answer), tmp_path)
    assert verdict.outcome is Outcome.REFUTED
    assert [part.outcome for part in verdict.parts] == [Outcome.INCONCLUSIVE, Outcome.REFUTED]


def test_an_intervention_that_changes_nothing_anywhere_is_an_error_though_it_breaks_the_claim(tmp_path):
    engine = by_run(2.0, 2.0)
    engine.change = lambda pair: 0.0
    claim = "ablate: L1H0@END, with: zero, for_all: 50, expect: {effect: '<= -0.5'}"
    with pytest.raises(MeasurementError, match="leaves L1H0@END unchanged on every prompt"):
        verdict_of_claim(claim, engine, tmp_path)


def test_a_counterexample_that_the_intervention_leaves_alone_is_one_and_is_said_to_be(tmp_path):
    def ablated(pair, text):
        return 2.0 if "rained" in text else 0.0

    engine = by_run(2.0, ablated)
    engine.change = lambda pair: 0.0 if "rained" in pair.clean else 1.0
    claim = "ablate: L1H0@END, with: zero, for_all: 50, expect: {effect: '<= -0.5'}"
    verdict = verdict_of_claim(claim, engine, tmp_path)
    assert verdict.outcome is Outcome.REFUTED
    assert verdict.reason.endswith("; the intervention changes nothing here")


def test_a_claim_that_holds_because_little_was_changed_is_inconclusive_unless_so_little_is_meant(tmp_path):
    engine = by_run(2.0, 2.0)
    engine.change = lambda pair: 1.0 if pair.answer == " Ada" else 0.0
    claim = "ablate: L1H0@END, with: zero, for_all: 100, expect: {effect: 'between -0.1 and 0.1'}"
    verdict = verdict_of_claim(claim, engine, tmp_path / "a")
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "of the prompts, of 50% needed" in verdict.reason
    meant = verdict_of_claim(f"{claim}, active_on: 0.05", engine, tmp_path / "b")
    assert meant.outcome is Outcome.SUPPORTED


def test_what_is_resampled_comes_from_a_donor_that_is_drawn_shrunk_and_shown(tmp_path):
    def ablated(pair, text):
        # `pair.corrupt` is the donor's corrupt side.
        return 2.0 if "Gus gave" in pair.corrupt else 0.0

    claim = "ablate: L1H0@END, for_all: 200, corrupt: s2_to_io, expect: {effect: '<= -0.5'}"
    verdict = verdict_of_claim(claim, by_run(2.0, ablated), tmp_path)
    assert verdict.outcome is Outcome.REFUTED
    assert verdict.reason.split("shrunk to: ")[1] == (
        f'"{SIMPLEST}", with values from "Then Gus and Ada walked to the park. Gus gave it to"'
    )
    assert verdict.worst[0].prompt == SIMPLEST
    assert (verdict.worst[0].before, verdict.worst[0].after) == (2.0, 2.0)


def test_a_donor_that_lends_what_is_there_already_tries_nothing(tmp_path):
    def is_the_same(pair):
        return pair.clean.split()[-4:] == pair.corrupt.split()[-4:]

    engine = by_run(2.0, lambda pair, text: 2.0 if is_the_same(pair) else 0.0)
    claim = "ablate: L1H0@END, for_all: 200, corrupt: s2_to_io, expect: {effect: '<= -0.5'}"
    assert verdict_of_claim(claim, engine, tmp_path / "a").outcome is Outcome.REFUTED
    engine.change = lambda pair: 0.0 if is_the_same(pair) else 1.0
    verdict, search = searched(spec_of(claim), engine, tmp_path / "b")
    idle = [example for example in search.ahead.values() if search.trials.is_idle(example)]
    assert len(idle) > 5
    assert verdict.outcome is Outcome.SUPPORTED
    assert verdict.n == 200 - len(idle)
    assert verdict.parts[0].estimate == -2.0


def test_donors_are_others_of_the_same_template_and_order_with_the_same_tokens_for_roles(tmp_path):
    engine = by_run(2.0, 0.0)
    claim = "ablate: L1H0@END, over: clean, for_all: 100, expect: {effect: '<= -0.5'}"
    verdict, search = searched(spec_of(claim), engine, tmp_path)
    assert verdict.outcome is Outcome.SUPPORTED
    for example in search.tried.values():
        assert example.donor.clean != example.pair.clean
        assert (example.donor.template, example.donor.order) == (example.pair.template, example.pair.order)
    for prompts in engine.calls:
        assert [len(clean) for clean in prompts.clean] == [len(corrupt) for corrupt in prompts.corrupt]


def test_the_corrupt_run_is_that_of_the_prompt_itself_and_not_of_its_donor(tmp_path):
    corrupt_texts, donor_texts = set(), set()

    def answer(request, pair, text):
        done = request.condition.intervention
        if done is not None:
            assert done.source == Source("corrupt")
            donor_texts.add(pair.corrupt)
        elif request.condition.side == "corrupt":
            corrupt_texts.add(text)
        return 4.0 if done is None and request.condition.side == "clean" else 1.0

    claim = "ablate: L1H0@END, with: resample, for_all: 20, expect: {lost: '>= 0.5'}"
    verdict, search = searched(spec_of(claim), TextEngine(answer), tmp_path)
    assert verdict.outcome is Outcome.SUPPORTED
    tried = search.tried.values()
    assert corrupt_texts == {example.pair.corrupt for example in tried}
    assert donor_texts == {example.donor.corrupt for example in tried}


def test_corrupt_and_resample_side_by_side_are_not_mixed_up(tmp_path):
    def ablated(pair, text):
        return 1.0

    engine = by_run(2.0, ablated)
    claim = "ablate: L1H0@END, with: [corrupt, resample], for_all: 20, expect: {drop: '>= 0.4'}"
    verdict, search = searched(spec_of(claim), engine, tmp_path)
    assert verdict.outcome is Outcome.SUPPORTED
    first = next(iter(search.tried.values()))
    lent, own = engine.calls[:2]
    assert lent.pairs[0].corrupt == first.donor.corrupt
    assert own.pairs[0].corrupt == first.pair.corrupt


def test_a_prompt_that_does_not_fit_the_tokenizer_is_an_error_that_says_which(tmp_path):
    family = spec_of("measure: clean, for_all: 10, expect: {logit_diff: '> 0'}").prompts.family
    content = family.model_dump(exclude_unset=True)
    content["lists"] = {**content["lists"], "names": ["Ada", "Ben", "Cleo", "Dan", "Eve", "Zacharias"]}
    spec = spec_of("measure: clean, for_all: 200, expect: {logit_diff: '> 0'}", family=content)
    with pytest.raises(
        PromptError, match=r"for_all drew a prompt that cannot be measured: .*' Zacharias,?' is"
    ):
        searched(spec, by_run(1.0, 0.0), tmp_path)


def test_a_side_that_nothing_reads_is_not_searched():
    sides = {
        claim: trials_of(spec_of(f"{claim}, for_all: 10, expect: {{{expect}}}"), None).sides
        for claim, expect in {
            "measure: clean": "logit_diff: '> 0'",
            "measure: corrupt": "logit_diff: '> 0'",
            "ablate: L1H0@END, with: corrupt": "effect: '< 0'",
            "ablate: L1H0@END, with: mean": "effect: '< 0'",
            "ablate: L1H0@END, with: resample, over: clean": "effect: '< 0'",
            "patch: L1H0@END": "restored: '> 0.1'",
            "attends: L1H0@END, to: S2, under: {ablate: L0H0@END}": "attention: '> 0.1'",
        }.items()
    }
    assert [(found.corrupt, found.donor) for found in sides.values()] == [
        (False, None),
        (True, None),
        (True, None),
        (False, None),
        (False, "clean"),
        (True, None),
        (False, "corrupt"),
    ]
