import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.analysis.encoded_questions import encode_batch, row_batches
from simlearn.data.questions import Question

KINDS = ("image", "audio", None)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(KINDS), st.integers(1, 9)), max_size=20), st.integers(1, 5)
)
def test_batches_hold_one_kind_of_medium_and_like_lengths(asked, size):
    medium = np.zeros(1)
    questions = [
        Question(id=str(i), text="x" * length, answers=(), **({kind: medium} if kind else {}))
        for i, (kind, length) in enumerate(asked)
    ]
    batches = list(row_batches(questions, size))
    assert sorted(row for rows in batches for row in rows) == list(range(len(asked)))
    for rows in batches:
        assert len({asked[row][0] for row in rows}) == 1 and len(rows) <= size
        assert [asked[row][1] for row in rows] == sorted(asked[row][1] for row in rows)
    for kind in KINDS:
        count = sum(k == kind for k, _ in asked)
        assert sum(asked[rows[0]][0] == kind for rows in batches) == -(-count // size)


class Spelling:
    """A tokenizer of letters."""

    def __init__(self, template):
        self.chat_template = template

    def __call__(self, text, *, add_special_tokens):
        assert not add_special_tokens
        return {"input_ids": [ord(letter) for letter in text]}


class Stub:
    """An adapter that encodes to nothing."""

    def __init__(self, template):
        self.processor = Spelling(template)

    def encode(self, questions):
        return {"count": len(questions)}


def test_references_are_the_first_answers_alone():
    questions = [
        Question(id="a", text="?", answers=("ab", "zz")),
        Question(id="b", text="?", answers=()),
        Question(id="c", text="?", answers=("c",)),
    ]
    found = encode_batch(Stub("{{ chat }}"), questions, (2, 1, 0))
    assert found.references == [[99], [], [97, 98]]
    assert [q.id for q in found.questions] == ["c", "b", "a"]
    assert found.batch == {"count": 3} and found.features == {}


def test_without_a_template_the_answer_goes_on_in_the_line():
    question = Question(id="a", text="?", answers=("ab",))
    assert encode_batch(Stub(None), [question], (0,)).references == [[32, 97, 98]]
