"""The sentences of the page, one by one."""

from dataclasses import replace

import pytest
from report_samples import CONTROLS, ERROR, NODES, ORDERS, UNLUCKY, claim, ioi, node, part, prompt
from verdict_samples import BEHAVIOUR, KNOWN, NECESSARY, REFUTED, REPORTED, UNDECIDED

from circuitcheck.report.html import status
from circuitcheck.report.html.cell_table import cell_table
from circuitcheck.report.html.claim_view import claim_view
from circuitcheck.report.html.deeds import deed
from circuitcheck.report.html.glossary import TERMS, linked
from circuitcheck.report.html.prompt_text import Piece, pieces, prompt_view
from circuitcheck.report.html.run_view import duration, headline, moment
from circuitcheck.report.html.status import STATUSES, status_of, worst
from circuitcheck.report.html.why import deciding_part, why
from circuitcheck.report.html.words import nodes_in_words, threshold_words
from circuitcheck.report.results import ClaimRecord
from circuitcheck.verdict import Outcome


def only(outcome, below, above, low, high, estimate=0.5, **fields):
    """A record of one part."""
    parts = (part("drop", estimate, low, high, outcome, below=below, above=above),)
    return claim(replace(REFUTED, outcome=outcome, parts=parts, **fields))


REFUTES, SUPPORTS, OPEN = Outcome.REFUTED, Outcome.SUPPORTED, Outcome.INCONCLUSIVE


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (
            only(REFUTES, 0.9, None, 0.36, 0.46, 0.41),
            "Claimed: drop at least 0.9. Measured: 0.410, and with 95% confidence no more than 0.460. "
            "So the claim is refuted.",
        ),
        (
            only(REFUTES, None, 0.3, 0.36, 0.46, 0.41),
            "Claimed: drop at most 0.3. Measured: 0.410, and with 95% confidence no less than 0.360. "
            "So the claim is refuted.",
        ),
        (
            only(REFUTES, 0.6, 0.8, 0.36, 0.46, 0.41),
            "Claimed: drop between 0.6 and 0.8. Measured: 0.410, and with 95% confidence no more than 0.460. "
            "So the claim is refuted.",
        ),
        (
            only(SUPPORTS, 0.3, None, 0.36, 0.46, 0.41),
            "Claimed: drop at least 0.3. Measured: 0.410, and with 95% confidence no less than 0.360. "
            "So the claim is supported.",
        ),
        (
            only(SUPPORTS, None, 0.5, 0.36, 0.46, 0.41),
            "Claimed: drop at most 0.5. Measured: 0.410, and with 95% confidence no more than 0.460. "
            "So the claim is supported.",
        ),
        (
            only(SUPPORTS, 0.3, 0.5, 0.36, 0.46, 0.41),
            "Claimed: drop between 0.3 and 0.5. Measured: 0.410, and with 95% confidence between 0.360 and "
            "0.460. So the claim is supported.",
        ),
        (
            only(OPEN, 0.4, None, 0.36, None, 0.41, reason="too few prompts"),
            "Claimed: drop at least 0.4. Measured: 0.410, and with 95% confidence no less than 0.360. "
            "So the claim is neither supported nor refuted: too few prompts.",
        ),
        (
            only(OPEN, 0.4, None, None, None, 0.41),
            "Claimed: drop at least 0.4. Measured: 0.410. So the claim is neither supported nor refuted.",
        ),
        (
            claim(UNDECIDED),
            "Claimed: drop at least 0.3. Measured: 0.280, and with 95% confidence between 0.220 and 0.340. "
            "So the claim is neither supported nor refuted: the interval holds 0.3, after 480 prompts; "
            "about 1900 prompts would settle it.",
        ),
        (
            claim(REPORTED),
            "drop: 0.200, and with 95% confidence between 0.150 and 0.250. "
            "The file asks only for the number, so nothing was judged.",
        ),
        (
            claim(KNOWN),
            "Claimed: drop between 0 and 0.3. Measured: 0.412, and with 95% confidence no less than 0.371. "
            "So the claim is refuted. The file expects that.",
        ),
        (ERROR, f"Not measured: {ERROR.error}"),
    ],
)
def test_why_a_claim_came_out_as_it_did(record, said):
    assert why(record, status_of(record)) == said


def test_of_several_conditions_the_one_that_decides_is_told():
    said = why(claim(ORDERS), status.SUPPORTED)
    assert said.startswith("Claimed: recovered for ABBA between 0.8 and 1.2.")
    assert "This is the hardest of 2 conditions, which all have to hold." in said


def test_a_known_failure_that_holds_is_told_what_to_do():
    assert why(claim(UNLUCKY), status.UNEXPECTED).endswith("remove known_failure from the claim.")


def test_a_verdict_without_parts_has_no_deciding_part_and_still_a_sentence():
    record = claim(replace(UNDECIDED, parts=(), reason="the model does not do this task"))
    assert deciding_part(record) is None
    assert why(record, status.INCONCLUSIVE) == (
        "So the claim is neither supported nor refuted: the model does not do this task."
    )


@pytest.mark.parametrize(
    ("verb", "nodes", "written", "facts", "said"),
    [
        (
            "measure",
            [],
            {"measure": "corrupt"},
            {},
            "The model was run as it is on the corrupt side of every prompt pair.",
        ),
        (
            "ablate",
            ["L2H0@END"],
            {"with": "zero"},
            {},
            "On clean prompts, the attention head L2H0 at END was replaced by zero.",
        ),
        (
            "ablate",
            ["L0H0@S2", "L0H3@S2"],
            {"corrupt": "s2_to_io"},
            {},
            "On clean prompts, the attention heads L0H0 and L0H3 at S2 were replaced by their value on another "
            "corrupt prompt of the same template. The corrupt prompts were made with “s2_to_io”.",
        ),
        (
            "patch",
            ["L3.resid_mid@all"],
            {},
            {},
            "While the model read the corrupt prompt, the residual stream after attention L3.resid_mid at "
            "every token got the value from the clean twin.",
        ),
        (
            "keep",
            ["L2.tc/174@END"],
            {"over": "clean"},
            {"ablated by": "mean", "scope": "heads+mlps"},
            "On clean prompts, every head and MLP was replaced by its mean over a reference set of clean "
            "prompts, except the feature L2.tc/174 at END.",
        ),
        (
            "attends",
            ["L2H0@END"],
            {"to": "IO", "minus": "S1", "under": {"ablate": ["L0H0@S2"]}},
            {},
            "On clean prompts, the attention that the attention head L2H0 at END pays to IO was read, minus "
            "the attention to S1. Meanwhile this was in force: ablate L0H0@S2.",
        ),
        ("activates", ["L2.tc/174@END"], {}, {}, "How strongly the feature L2.tc/174 at END fires was read."),
        (
            "writes",
            ["L1.mlp@S1+1"],
            {},
            {},
            "What the MLP L1.mlp at S1+1 adds directly to the logits, right answer minus wrong one, was read "
            "at the last token.",
        ),
        ("explains", ["L2H0@END"], {}, {}, ""),
    ],
)
def test_what_was_done_is_told_in_plain_words(verb, nodes, written, facts, said):
    record = ClaimRecord(claim="c", verdict="measured", verb=verb, nodes=nodes, written=written, facts=facts)
    assert deed(record, NODES) == said


def test_records_of_earlier_runs_name_no_nodes_and_still_read_well():
    assert deed(ClaimRecord(claim="c", verdict="measured", verb="ablate"), []) == (
        "On clean prompts, the named nodes were replaced by their value on another corrupt prompt of the same "
        "template."
    )


def test_many_nodes_are_cut_short():
    heads = [node(f"L0H{number}", "END", "head", 0) for number in range(12)]
    names = [f"{head.name}@END" for head in heads]
    assert nodes_in_words(names, heads) == (
        "the attention heads L0H0, L0H1, L0H2, L0H3, L0H4, L0H5, L0H6, L0H7 and 4 more at END"
    )


def test_thresholds_without_bounds_keep_their_words():
    record = ClaimRecord.of(REPORTED).parts[0]
    assert threshold_words(record) == "no threshold"
    assert threshold_words(record.model_copy(update={"expected": "about right"})) == "about right"


def test_statuses_differ_in_word_and_symbol_and_know_the_worst():
    assert len({one.symbol for one in STATUSES}) == len(STATUSES)
    assert len({one.word for one in STATUSES}) == len(STATUSES)
    assert worst([status.SUPPORTED, status.KNOWN, status.ERROR]) == status.ERROR
    assert worst([status.ERROR, status.REFUTED]) == status.REFUTED
    assert worst([]) is None


def test_a_known_failure_that_is_only_inconclusive_is_as_expected_too():
    assert status_of(claim(replace(UNDECIDED, known_failure="not yet"))) == status.KNOWN


def test_a_known_failure_that_could_not_be_measured_is_an_error():
    record = ERROR.model_copy(update={"known_failure": "not yet"})
    assert status_of(record) == status.ERROR


def test_prompts_are_cut_at_their_roles():
    spans = {"IO": (0, 4), "S1": (9, 13), "S": (9, 13), "off": (11, 99), "inside": (10, 12)}
    assert pieces(prompt("Mary and John", spans)) == (
        Piece("Mary", "IO"),
        Piece(" and "),
        Piece("John", "S1, S"),
    )
    assert pieces(prompt("Mary", {})) == (Piece("Mary"),)


def test_a_prompt_shows_two_numbers_or_one_with_its_name():
    assert prompt_view(prompt("Mary", {})).numbers == "1.00 → 0.500"
    assert prompt_view(prompt("Mary", {}), "attention").numbers == "attention 0.500"


@pytest.mark.parametrize("verb", ["attends", "activates", "writes", "measure"])
def test_claims_that_read_something_name_the_one_number_of_each_prompt(verb):
    same = prompt("Mary", {}).model_copy(update={"after": 1.0})
    part = replace(NECESSARY, quantity="attention")
    record = ClaimRecord.of(replace(REFUTED, verb=verb, parts=(part,))).model_copy(update={"worst": [same]})
    view = claim_view(record, ioi([record]), "c")
    assert ([each.numbers for each in view.prompts], view.prompts_in) == (["attention 1.00"], "")


def test_an_intervention_that_changed_nothing_still_shows_before_and_after():
    same = prompt("Mary", {}).model_copy(update={"after": 1.0})
    record = ClaimRecord.of(REFUTED).model_copy(update={"worst": [same]})
    view = claim_view(record, ioi([record]), "c")
    assert view.prompts[0].numbers == "1.00 → 1.00"
    assert view.prompts_in == "metric before → after"


def test_controls_that_overrule_a_claim_are_the_reason_of_its_colour_and_said_once():
    told = "its drop beats 3 of 100 matched features, 0.95 of them needed; matched only loosely"
    controls = replace(CONTROLS, outcome=Outcome.REFUTED, beaten=0.03, effect=0.01, reason=told)
    supported = replace(BEHAVIOUR, outcome=Outcome.REFUTED, controls=controls, reason=told)
    view = claim_view(ClaimRecord.of(supported), ioi(), "c")
    assert f"Its controls speak against it: {told}. So the claim is refuted." in view.why
    assert view.why.count("matched only loosely") == 1
    assert "loosely" not in view.controls.found
    doubtful = replace(
        supported, outcome=Outcome.INCONCLUSIVE, controls=replace(controls, outcome=Outcome.INCONCLUSIVE)
    )
    why = claim_view(ClaimRecord.of(doubtful), ioi(), "c").why
    assert f"Its controls leave it open: {told}. So the claim is neither supported nor refuted." in why


def test_words_of_a_sentence_lead_to_their_meaning_at_their_first_mention():
    text = linked(
        "On clean prompts, the feature <b> and the features \u202e were replaced by a corrupt prompt."
    )
    assert text == (
        'On <a class="word" href="#word-clean">clean prompts</a>, the '
        '<a class="word" href="#word-feature">feature</a> &lt;b&gt; and the features ⟨U+202E⟩ were '
        '<a class="word" href="#word-intervention">replaced</a> by a corrupt prompt.'
    )


SENTENCES = {
    "circuit": "These nodes are a circuit.",
    "head": "The attention heads L0H0 and L1H4.",
    "mlp": "The MLP L1.mlp and the neuron L1.mlp.n4.",
    "feature": "The feature L2.tc/174.",
    "dictionary": "What their dictionary does not explain.",
    "position": "It was read at the last token.",
    "clean": "By its value on the corrupt twin.",
    "reference": "Their mean over a reference set.",
    "intervention": "They were replaced.",
    "metric": "It adds to the logits.",
    "interval": "Known with 95% confidence.",
    "controls": "The controls do as much.",
    "path": "While the model read the clean prompt, only mover (as its query) saw it.",
    "frozen": "Every other head was frozen: it kept its value.",
    "steering": "On clean prompts, its output was multiplied by 2.",
    "taken_out": "Then parts of these were taken out as well.",
}


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.key)
def test_every_word_of_the_list_is_found_in_sentences(term):
    assert f'href="#{term.anchor}"' in linked(SENTENCES[term.key])


def test_cells_are_a_table_of_templates_and_orders():
    record = ClaimRecord.of(REFUTED)
    cells = {"old garden ABBA": 0.1, "old garden BABA": 0.6, "store ABBA": None}
    table = cell_table(cells, record.parts[0])
    assert table.orders == ("ABBA", "BABA")
    (garden, first), (store, second) = table.rows
    assert (garden, store) == ("old garden", "store")
    assert [(cell.text, cell.shade, cell.outside) for cell in first] == [
        ("0.100", 0, False),
        ("0.600", 5, True),
    ]
    assert (second[0].text, second[1]) == ("not measured", None)
    assert table.caption == "drop by template and order; 1 of 3 lie outside the claimed range (✗)"


def test_one_cell_tells_nothing_new():
    assert cell_table({"a b": 0.1}, ClaimRecord.of(REFUTED).parts[0]) is None


def test_times_are_told_as_people_do():
    assert moment("2026-11-02T09:05:12+00:00") == "2 November 2026, 09:05:12 UTC"
    assert moment("some day") == "some day"
    assert [duration(seconds) for seconds in (4.25, 200.4, 3900)] == ["4.2 s", "3 min 20 s", "1 h 5 min"]


def test_headlines():
    assert headline(()) == "No claim was measured."
    assert headline(((status.SUPPORTED, 3),)) == "3 claims: all came out as their files say."
    assert headline(((status.SUPPORTED, 3), (status.REFUTED, 1))) == "1 of 4 claims needs attention."
    assert headline(((status.SUPPORTED, 1),), setup_errors=1) == "1 claim measured, but a setup check failed."
    assert NECESSARY.outcome is Outcome.REFUTED
    assert BEHAVIOUR.outcome is Outcome.SUPPORTED
