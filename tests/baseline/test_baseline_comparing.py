"""Claims against the baseline: verdicts, names, and what cannot be compared."""

import pytest
from baseline_samples import Numbers, evaluated, file_of, lost_metric, record, run_of

from circuitcheck.baseline.comparing import compare_file
from circuitcheck.baseline.saving import baseline_of
from circuitcheck.baseline.wording import sentence, since_baseline

MOVER = "mover-is-necessary"


def held(before, after, *, in_file=None, **fields):
    """The comparison of a file's claims, from records before and after."""
    baseline = baseline_of(run_of(file_of(*before))).baseline
    names = in_file or [each.claim for each in after]
    return compare_file(baseline, file_of(*after, **fields), names)


def pair_of(before, after, **fields):
    return held([before], [after], **fields).pairs[after.claim]


@pytest.mark.parametrize(
    ("before", "after", "word"),
    [
        ("supported", "inconclusive", "worse"),
        ("supported", "refuted", "worse"),
        ("inconclusive", "refuted", "worse"),
        ("refuted", "refuted", "identical"),
        ("refuted", "supported", "better"),
        ("measured", "refuted", "identical"),
    ],
)
def test_only_a_worse_verdict_fails(before, after, word):
    pair = pair_of(record(outcome=before), record(outcome=after))
    assert (pair.word, pair.fails) == (word, word == "worse")


def test_a_worse_verdict_without_a_change_is_called_borderline():
    pair = pair_of(record(outcome="supported"), record(outcome="inconclusive"))
    assert "from supported to inconclusive: a borderline claim, no drift" in sentence(pair)


def test_a_better_verdict_is_a_note():
    pair = pair_of(record(outcome="refuted"), record(outcome="supported"))
    assert sentence(pair).startswith("the verdict got better, from refuted to supported; ")
    assert not pair.fails


def test_a_verdict_by_another_threshold_is_not_compared():
    after = record(MOVER, Numbers(expected=">= 0.9"), outcome="refuted")
    pair = pair_of(record(), after)
    assert not pair.fails
    assert sentence(pair).startswith(
        "expects something else than in the baseline, so verdicts are not compared"
    )


def test_a_known_failure_may_be_refuted():
    pair = pair_of(record(), record(outcome="refuted", known_failure="not yet"))
    assert not pair.fails


def test_both_hashes_are_printed_when_the_weights_are_others():
    lines = since_baseline(pair_of(record(), record(), sha="f" * 32, model="models/edited")).lines
    assert lines == ["model: ioi-mini 9b1facdbbf97 in the baseline, models/edited ffffffffffff now"]


def test_another_device_is_said_and_compared():
    pair = pair_of(record(), record(), device="cuda:0")
    assert pair.word == "identical"
    assert "device: cpu in the baseline, cuda:0 now" in since_baseline(pair).lines


def test_other_prompts_are_refused_with_what_to_do():
    pair = pair_of(record(), record(prompts=evaluated(start=5)))
    assert (pair.word, pair.fails, pair.changes) == ("refused", True, ())
    assert sentence(pair) == (
        "not comparable with the baseline: the prompts are others (family, templates, seed, corruption or tokenizer "
        "changed); if that is meant, run `circuitcheck baseline accept mover-is-necessary`"
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"nodes": ["L2H1@END"]}, "the nodes was L2H0@END and is L2H1@END"),
        ({"written": {"ablate": ["mover"], "with": "mean"}}, "`with` was resample and is mean"),
        ({"facts": {"metric": "prob_diff"}}, "the metric was logit_diff and is prob_diff"),
        ({"verb": "keep"}, "the verb was ablate and is keep"),
    ],
)
def test_another_claim_or_metric_under_the_same_name_is_refused(change, said):
    pair = pair_of(record(), record(**change))
    assert pair.word == "refused"
    assert f"the claim measures something else: {said};" in sentence(pair)


def test_another_quantity_is_refused():
    pair = pair_of(record(), record(MOVER, Numbers(quantity="ratio")))
    assert pair.word == "refused"
    assert "the claim expects nothing any more of what the baseline has (drop)" in sentence(pair)


def test_another_reference_set_is_refused():
    baseline = baseline_of(run_of(file_of(record()))).baseline
    later = file_of(record())
    later.provenance["references"]["fresh_names"] = "another"
    pair = compare_file(baseline, later, [MOVER]).pairs[MOVER]
    assert pair.refused == "the reference set of mean ablation is another"


def test_words_that_only_judge_do_not_change_what_is_measured():
    written = {"ablate": ["mover"], "with": "resample"}
    pair = pair_of(record(), record(written={**written, "by": ["order"], "confidence": 0.9}))
    assert pair.refused == ""


def test_a_group_may_be_renamed():
    pair = pair_of(record(), record(written={"ablate": ["the-mover"], "with": "resample"}))
    assert pair.word == "identical"


def test_a_new_claim_passes_with_a_note():
    found = held([record()], [record(), record("new-claim", nodes=["L3H1@END"])])
    assert found.pairs["new-claim"].word == "new"
    assert not found.pairs["new-claim"].fails
    assert sentence(found.pairs["new-claim"]).startswith("not in the baseline yet; ")


def test_a_renamed_claim_is_recognised_by_what_it_measures():
    moved = record("new-name", Numbers(lost_metric(share=0.7)))
    found = held([record(), record("other", nodes=["L3H1@END"])], [moved], in_file=["new-name", "other"])
    pair = found.pairs["new-name"]
    assert (pair.name, pair.word, found.gone) == (MOVER, "moved", ())
    assert sentence(pair).startswith("was mover-is-necessary in the baseline; ")


def test_of_two_claims_that_ask_the_same_neither_is_taken_for_the_renamed_one():
    found = held([record("one"), record("two")], [record("three")])
    assert found.pairs["three"].word == "new"
    assert found.gone == ("one", "two")


def test_a_claim_that_is_gone_is_listed_and_one_that_was_not_selected_is_not():
    found = held([record(), record("gone"), record("unselected", nodes=["L1H0@END"])], [record()],
                 in_file=[MOVER, "unselected"])  # fmt: skip
    assert found.gone == ("gone",)


def test_a_claim_that_could_not_be_measured_is_neither_compared_nor_passed_as_the_same():
    from circuitcheck.report.claim_records import ClaimRecord

    pair = pair_of(record(), ClaimRecord.of_error(MOVER, "L9H6 is in layer 9."))
    assert (pair.word, pair.fails) == ("unmeasured", False)
    assert sentence(pair) == "not measured now, so not compared"
