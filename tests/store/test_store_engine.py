"""A stored engine: the same numbers, and the engine asked only for what is missing."""

import itertools

import numpy as np
import pytest
from fakes import fake_prompts, noisy
from store_samples import (
    FIT,
    PLACE,
    PLAN,
    PROMPTS,
    Bench,
    ablating,
    dictionary,
    numbers,
)

from circuitcheck.engine import Plan
from circuitcheck.errors import DictionaryError, MeasurementError
from circuitcheck.nodes import parse_node
from circuitcheck.store.chunks import chunks_of, passes_of
from circuitcheck.store.entries import Entry, decode, encode

FEATURES = (parse_node("L2.z/7@END"), parse_node("L2.z/8@S2"))


def same(one, other):
    return (
        list(one.values) == list(other.values)
        and list(one.changes) == list(other.changes)
        and all(np.array_equal(values, other.values[request]) for request, values in one.values.items())
        and all(np.array_equal(table, other.changes[condition]) for condition, table in one.changes.items())
    )


def test_a_second_run_gives_the_same_bits_and_makes_no_engine(tmp_path):
    first, second = Bench(tmp_path), Bench(tmp_path)
    measured = first.measure()
    assert same(second.measure(), measured)
    assert second.made == 0
    assert same(measured, first.fake.measure(PLAN, PROMPTS, PROMPTS))


def test_only_what_is_missing_is_measured(tmp_path):
    Bench(tmp_path).measure(Plan(PLAN.requests[1:3]))
    bench = Bench(tmp_path)
    bench.measure()
    assert set(bench.asked) == set(PLAN.requests) - set(PLAN.requests[1:3])
    assert bench.engine.provenance["store"] == {"folder": str(tmp_path), "stored": 2, "measured": 3}


def test_an_order_of_questions_is_kept_whatever_was_there(tmp_path):
    Bench(tmp_path).measure(Plan(PLAN.requests[2:]))
    assert list(Bench(tmp_path).measure().values) == list(PLAN.requests)


def test_a_measurement_is_counted_once_however_often_it_is_asked_for(tmp_path):
    bench = Bench(tmp_path)
    bench.measure()
    bench.measure()
    assert bench.engine.provenance["store"] == {"folder": str(tmp_path), "stored": 0, "measured": 5}


def test_a_renamed_dictionary_still_hits_and_another_does_not(tmp_path):
    for name in ("z", "renamed", "other"):
        bench = Bench(tmp_path)
        bench.measure(Plan.of([ablating(f"L2.{name}/7")]))
        assert bench.made == (name != "renamed")
        assert bench.engine.provenance["dictionaries"] == {f"{name}/2": dictionary(name, 2).digest}


def test_fits_profiles_and_descriptions_come_back_as_they_were(tmp_path):
    first, second = Bench(tmp_path), Bench(tmp_path)
    found = [
        (
            bench.engine.fit(PLACE, (7, 8), PROMPTS),
            bench.engine.profile(PLACE, PROMPTS),
            bench.engine.describe(FEATURES, PROMPTS),
        )
        for bench in (first, second)
    ]
    assert (first.made, second.made) == (1, 0)
    assert found[0][0] == found[1][0] == FIT
    assert found[0][2] == found[1][2] == first.fake.describe(FEATURES, PROMPTS)
    for column in ("rate", "mean", "norm"):
        assert np.array_equal(getattr(found[0][1], column), getattr(found[1][1], column))
    assert second.engine.provenance["store"]["stored"] == 3


def test_a_fit_on_other_features_or_a_profile_elsewhere_is_made(tmp_path):
    Bench(tmp_path).engine.fit(PLACE, (7, 8), PROMPTS)
    bench = Bench(tmp_path)
    bench.engine.fit(PLACE, (7,), PROMPTS)
    bench.engine.profile(PLACE, fake_prompts(12))
    assert bench.engine.provenance["store"]["measured"] == 2


def test_what_cannot_be_measured_is_not_stored(tmp_path):
    bench = Bench(tmp_path)
    bench.fake.refuse = "L2H0"
    for _ in range(2):
        with pytest.raises(MeasurementError, match="L2H0 cannot be measured"):
            bench.measure(Plan.of([ablating("L2H0")]))
    assert not list(tmp_path.rglob("*.safetensors"))
    bench.fake.refuse = ""
    bench.measure(Plan.of([ablating("L2H0")]))
    assert bench.engine.provenance["store"]["measured"] == 1


def many(count):
    return Plan.of([ablating(f"L{number % 4}H0", at=str(number)) for number in range(count)])


def test_what_is_missing_is_stored_chunk_by_chunk_as_it_finishes(tmp_path):
    bench = Bench(tmp_path)
    bench.engine.passes = 1.0
    plan, fine = many(12), bench.fake.measure

    def stopping(part, *others):
        if len(bench.asked) + len(part.requests) > 6:
            raise KeyboardInterrupt
        return fine(part, *others)

    bench.fake.measure = stopping
    with pytest.raises(KeyboardInterrupt):
        bench.measure(plan)
    finished = len(bench.asked)
    assert finished >= 3
    again = Bench(tmp_path)
    again.measure(plan)
    assert again.engine.provenance["store"] == {
        "folder": str(tmp_path),
        "stored": finished,
        "measured": 12 - finished,
    }


def test_chunks_hold_everything_once_and_what_runs_together_side_by_side():
    plan = Plan.of([*many(12).requests, *PLAN.requests])
    chunks = list(chunks_of(plan.requests, 4, 1.0))
    assert sorted(map(repr, (one for chunk in chunks for one in chunk))) == sorted(map(repr, plan.requests))
    assert len(chunks) > 3
    for chunk in chunks:
        conditions = list(dict.fromkeys(request.condition for request in chunk))
        assert len(conditions) == 1 or sum(passes_of(one, 4) for one in conditions) <= 1.0
    assert list(chunks_of(plan.requests, 4)) == [tuple(one for chunk in chunks for one in chunk)]


def test_conditions_that_run_as_one_pass_come_behind_each_other():
    plan = [
        ablating(f"L{number % 3}H0", at="END" if number % 2 else "S2", kind="zero") for number in range(12)
    ]
    plan += [
        ablating(f"L{number % 3}H1", at="END" if number % 2 else "S2", kind="zero") for number in range(12)
    ]
    (chunk,) = chunks_of(plan, 4)
    windows = [(node.layer, node.at) for one in chunk for node in one.condition.intervention.nodes]
    changes = sum(one != other for one, other in itertools.pairwise(windows))
    assert changes == len(set(windows)) - 1


def test_progress_of_chunks_is_told_as_one(tmp_path):
    bench = Bench(tmp_path)
    bench.engine.passes = 1.0
    told, fine = [], bench.fake.measure

    def measuring(part, prompts, references, progress):
        progress(1, 2, "prompts")
        progress(2, 2, "prompts")
        return fine(part, prompts, references)

    bench.fake.measure = measuring
    bench.engine.measure(many(12), PROMPTS, PROMPTS, lambda done, total, what: told.append((done, total)))
    assert told[-1] == (12, 12)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


@pytest.mark.parametrize("wrong", ["too short", "not finite", "no changes", "columns"])
def test_numbers_that_cannot_be_the_request_s_are_measured_again(tmp_path, wrong):
    plan = Plan.of([ablating("L2H0")])
    Bench(tmp_path).measure(plan)
    (path,) = (tmp_path / "measured").rglob("*.safetensors")
    entry = decode(path.read_bytes())
    (name,) = (name for name in entry.arrays if "-" not in name)
    arrays = dict(entry.arrays)
    if wrong == "too short":
        arrays[name] = arrays[name][:-1]
    elif wrong == "not finite":
        arrays[name] = arrays[name] * np.nan
    elif wrong == "no changes":
        del arrays[name + "-changes"]
    else:
        arrays[name + "-changes"] = np.ones((8, 2))
    path.write_bytes(encode(Entry(entry.key, entry.facts, arrays)))
    bench = Bench(tmp_path)
    bench.measure(plan)
    assert len(bench.asked) == 1
    assert bench.store.damaged == [path]


def test_a_fit_without_a_number_is_measured_again(tmp_path):
    Bench(tmp_path).engine.fit(PLACE, (7, 8), PROMPTS)
    (path,) = (tmp_path / "fit").rglob("*.safetensors")
    entry = decode(path.read_bytes())
    path.write_bytes(encode(Entry(entry.key, {"kept": 1.0})))
    bench = Bench(tmp_path)
    assert bench.engine.fit(PLACE, (7, 8), PROMPTS) == FIT
    assert bench.store.damaged == [path]
    assert Bench(tmp_path).engine.fit(PLACE, (7, 8), PROMPTS) == FIT


def test_a_dictionary_that_changed_before_it_was_read_is_refused_and_not_stored(tmp_path):
    bench = Bench(tmp_path)
    bench.fake.provenance = {"dictionaries": {"z/2": "quite another"}}
    with pytest.raises(DictionaryError, match="dictionary z/2 changed on disk while it was being used"):
        bench.measure(Plan.of([ablating("L2.z/7")]))
    assert not list(tmp_path.rglob("*.safetensors"))


def test_a_fresh_store_measures_everything_again_and_replaces_it(tmp_path):
    Bench(tmp_path).measure()
    fresh = Bench(tmp_path, fresh=True)
    fresh.fake.answer = lambda request, n: noisy(7.0, n)
    measured = fresh.measure()
    assert len(fresh.asked) == 5
    assert same(Bench(tmp_path).measure(), measured)
    assert not np.array_equal(measured.values[PLAN.requests[0]], numbers(PLAN.requests[0], 8))


def test_what_cannot_be_written_is_measured_all_the_same(tmp_path):
    (tmp_path / "file").write_text("in the way")
    bench = Bench(tmp_path / "file")
    assert same(bench.measure(), bench.fake.measure(PLAN, PROMPTS, PROMPTS))
    assert "cannot be stored" in bench.engine.provenance["store"]["fault"]


def test_what_the_engine_noted_while_it_measured_is_passed_on(tmp_path):
    bench = Bench(tmp_path)
    bench.fake.provenance = {"notes": ["batches were made smaller"]}
    assert "notes" not in bench.engine.provenance, "asking makes no engine"
    bench.measure()
    assert bench.engine.provenance["notes"] == ["batches were made smaller"]
