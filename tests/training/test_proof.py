import pytest

from circuitcheck.training.courses import BATCH_DOCUMENTS, COURSES
from circuitcheck.training.documents import Document
from circuitcheck.training.family import frozen_templates
from circuitcheck.training.figures import read_figures
from circuitcheck.training.proof import LEAST_OCCURRENCES, corpus_of, examine

WORDS = " ".join(examine([]).occurrences)


def often(*documents: Document) -> list[Document]:
    """Documents with each frozen word often enough, each in a document of its own, and then these."""
    return [*(Document(" ".join([word] * LEAST_OCCURRENCES)) for word in WORDS.split()), *documents]


def test_the_corpus_of_the_shipped_model_keeps_clear_of_the_frozen_templates():
    findings = examine(corpus_of(read_figures().chosen.seed))
    assert findings.documents == BATCH_DOCUMENTS * sum(course.steps for course in COURSES)
    assert not findings.repeated
    assert not findings.seen_shapes
    assert not findings.rare
    assert findings.clean


def test_a_corpus_that_says_nothing_forbidden_is_clean():
    assert examine(often()).clean


@pytest.mark.parametrize("template", frozen_templates().values())
def test_a_frozen_template_in_the_corpus_is_found(template):
    filled = template.format(first="Mary", second="John", S2="Mary", place="store", object="drink")
    assert examine(often(Document(filled))).repeated


def test_frozen_wording_is_found_behind_other_marks_and_capitals():
    assert examine(often(Document("Then RAIN was, falling; on it"))).repeated


def test_three_frozen_words_are_not_yet_frozen_wording():
    assert not examine(often(Document("Rain was falling here"))).repeated


def test_a_frozen_clause_sequence_is_found():
    findings = examine(often(Document("anything", ("exist", "cause"))))
    assert findings.seen_shapes == {"meal"}
    assert not findings.clean


def test_a_rare_word_is_named():
    findings = examine([document for document in often() if "favor" not in document.text])
    assert findings.rare == {"favor": 0}


def test_an_empty_corpus_proves_nothing():
    assert not examine([]).clean
