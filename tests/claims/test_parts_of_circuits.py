"""Which parts of a circuit are taken out: every group, nothing, and random parts that depend on the file alone."""

from circuitcheck.claims.parts_of_circuits import parts_left_out
from circuitcheck.claims.planning import requests_of
from circuitcheck.engine import CLEAN, KeepOnly, Replace
from circuitcheck.reading import read_spec_text

HEAD = """
circuitcheck: 1
circuit: test
model: {name: some-model}
prompts: {family: ioi, seed: %d}
nodes:
  early: {heads: [L0H0, L0H1, L0H2], at: END}
  late: {heads: [L3H0, L3H1, L3H2], at: END}
claims:
  - {id: %s, says: so, %s}
"""
COMPLETE = "complete: [early, late], expect: {gap: '<= 0.2'}"


def parts(claim=COMPLETE, *, seed=0, name="c"):
    spec = read_spec_text(HEAD % (seed, name, claim))
    return parts_left_out(spec.claims[0], spec)


def requests(claim):
    spec = read_spec_text(HEAD % (0, "c", claim))
    return requests_of(spec.claims[0], spec, frozenset())


def test_nothing_each_group_and_ten_random_parts_are_taken_out():
    names = [part.name for part in parts()]
    assert names[:3] == ["nothing taken out", "without early", "without late"]
    assert names[3:] == [f"without random part {number}" for number in range(1, 11)]


def test_no_two_parts_are_the_same_and_random_ones_are_not_empty():
    found = parts("complete: [early, late], subsets: 40, expect: {gap: '<= 0.2'}")
    assert len({frozenset(part.nodes) for part in found}) == len(found) == 43
    assert all(part.nodes for part in found[1:])


def test_random_parts_depend_on_the_seed_of_the_file_and_the_name_of_the_claim():
    assert parts() == parts()
    assert parts() != parts(seed=1)
    assert parts() != parts(name="d")


def test_of_a_small_circuit_every_part_is_taken_out_once():
    found = parts("complete: early, expect: {gap: '<= 0.2'}")
    assert len(found) == 2**3
    assert [len(part.nodes) for part in found] == [0, 3, 1, 1, 1, 2, 2, 2]


def test_no_random_part_where_none_is_wanted():
    assert len(parts("complete: [early, L3H0@END], subsets: 0, expect: {gap: '<= 0.2'}")) == 3


def test_nodes_named_by_themselves_are_parts_too_and_a_group_named_twice_is_one():
    found = parts("complete: [early, L0H0@END, early], subsets: 0, expect: {gap: '<= 0.2'}")
    assert [part.name for part in found] == ["nothing taken out", "without early", "without L0H0@END"]


def test_both_model_and_circuit_are_measured_without_each_part():
    done = [request.condition.intervention for request in requests(f"{COMPLETE}, with: zero, subsets: 0")]
    assert done[0] is None
    kept = [len(one.nodes) for one in done if isinstance(one, KeepOnly)]
    knocked_out = [one for one in done if isinstance(one, Replace)]
    assert kept == [6, 3, 3]
    assert [len(one.nodes) for one in knocked_out] == [3, 3]
    assert {one.source.kind for one in [*knocked_out, *filter(None, done)]} == {"zero"}


def test_the_scope_stays_that_of_the_whole_circuit_when_its_mlp_is_taken_out():
    claim = "complete: [early, L3.mlp@END], subsets: 0, expect: {gap: '<= 0.2'}"
    scopes = {one.condition.intervention.scope for one in requests(claim) if is_keep(one)}
    assert scopes == {"heads+mlps"}


def is_keep(request):
    return isinstance(request.condition.intervention, KeepOnly)


def test_a_minimal_circuit_is_measured_without_each_node_and_without_the_rest_of_its_group():
    found = requests("minimal: [early, L3H0@END], expect: {loses: '>= 0.1'}")
    kept = [frozenset(map(str, one.condition.intervention.nodes)) for one in found if is_keep(one)]
    assert found[0].condition == CLEAN
    whole = frozenset({"L0H0@END", "L0H1@END", "L0H2@END", "L3H0@END"})
    assert len(kept) == len(set(kept))
    assert set(kept) == {
        whole,
        *(whole - {node} for node in whole),
        *(frozenset({f"L0H{head}@END", "L3H0@END"}) for head in range(3)),
        frozenset({"L3H0@END"}),
    }
