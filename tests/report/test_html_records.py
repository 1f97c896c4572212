"""What the page needs from a circuit file travels with the results."""

import json

import jsonschema
import pytest
from fake_check import circuit_file
from page_reading import Page
from plugin_runs import FAKE, prepare, run

from circuitcheck.reading import read_spec
from circuitcheck.report.recording import as_written
from circuitcheck.report.results import ClaimRecord, RunResults, results_schema
from circuitcheck.report.writing import PAGE, newest_run, read_results

pytest_plugins = ("pytester",)
NODES = """\
nodes:
  reader: {heads: [L0H0, L0H1], at: END, label: "reads <the> name"}
  mover: {heads: [L2H0], at: END}
  copier: {heads: [L1H2], at: [S1, S2]}
edges:
  - reader -> mover (q)
  - {edge: mover -> L3.mlp@END (in), tags: [late]}
"""
CLAIMS = """\
  - id: backup-compensates
    says: Knocking out the mover costs little.
    ablate: [mover, copier, L3H3@IO]
    with: mean
    expect: {drop: "<= 0.3"}
  - id: gone
    says: The reader looks at the subject, without the mover.
    attends: [L0H0@END]
    to: S2
    under: {ablate: [L1H1@S2], with: zero}
    expect: {attention: ">= 0.5"}
"""
IOI = circuit_file().replace("claims:\n", f"{NODES}claims:\n{CLAIMS}")


@pytest.fixture
def written(pytester, monkeypatch):
    prepare(pytester, monkeypatch, FAKE, ioi=IOI)
    run(pytester)
    return newest_run(pytester.path / "reports")


def test_nodes_come_with_group_label_and_place_and_those_of_claims_alone_last(written):
    (file,) = read_results(written).files
    assert [(each.name, each.at, each.group, each.label) for each in file.nodes] == [
        ("L0H0", "END", "reader", "reads <the> name"),
        ("L0H1", "END", "reader", "reads <the> name"),
        ("L2H0", "END", "mover", ""),
        ("L1H2", "S1", "copier", ""),
        ("L1H2", "S2", "copier", ""),
        ("L3H3", "IO", "", ""),
        ("L1H1", "S2", "", ""),
        ("L3.mlp", "END", "", ""),
    ]
    assert (file.nodes[0].kind, file.nodes[0].layer, file.nodes[0].head) == ("head", 0, 0)
    assert [(edge.source, edge.target, edge.input, edge.claim) for edge in file.edges] == [
        ("reader", "mover", "q", "edge-reader-mover-q"),
        ("mover", "L3.mlp@END", "in", "edge-mover-l3-mlp-end-in"),
    ]


def test_claims_come_with_their_nodes_and_words(written):
    (file,) = read_results(written).files
    mover, reader, edge, _ = file.claims
    assert mover.nodes == ["L2H0@END", "L1H2@S1", "L1H2@S2", "L3H3@IO"]
    assert mover.written == {"ablate": ["mover", "copier", "L3H3@IO"], "with": "mean"}
    assert reader.nodes == ["L0H0@END", "L1H1@S2"]
    assert reader.written["under"] == {"ablate": ["L1H1@S2"], "with": "zero"}
    assert edge.written == {
        "patch": ["reader"],
        "path": "reader -> mover (q)",
        "from": "corrupt",
        "into": "clean",
    }
    assert (edge.claim, edge.says) == (file.edges[0].claim, "reader write what mover reads as its query.")
    assert (reader.verdict, reader.says) == ("error", "The reader looks at the subject, without the mover.")


def test_results_with_nodes_fit_their_schema(written):
    data = json.loads((written / "results.json").read_text())
    jsonschema.Draft202012Validator(results_schema()).validate(data)


def test_results_of_earlier_runs_are_still_read(written):
    data = json.loads((written / "results.json").read_text())
    for file in data["files"]:
        del file["nodes"], file["edges"]
        for claim in file["claims"]:
            del claim["nodes"], claim["written"]
            for prompt in claim["worst"]:
                del prompt["spans"]
    old = RunResults.model_validate_json(json.dumps(data))
    assert old.files[0].nodes == []


def test_a_run_writes_its_page_beside_its_results(written):
    page = Page((written / PAGE).read_text(encoding="utf-8"))
    assert "backup-compensates" in page.text
    assert "reads <the> name" in page.text
    assert "were replaced by their mean" in page.text


def test_a_record_of_a_claim_that_the_file_no_longer_has_stays_as_it_is(tmp_path):
    path = tmp_path / "a.circuit.yaml"
    path.write_text(IOI)
    record = ClaimRecord.of_error("elsewhere", "no such claim")
    assert as_written(record, read_spec(path)) == record
