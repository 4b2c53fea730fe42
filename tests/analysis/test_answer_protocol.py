"""Settings of a measurement by questions."""

from __future__ import annotations

import pytest

from simlearn.analysis.answer_protocol import QuestionAnswering


@pytest.mark.parametrize(
    ("values", "text"),
    [
        *(({n: 0}, rf"evaluation\.{n} is 0, must be at least 1")
          for n in ("batch_size", "max_new_tokens", "bootstrap")),
        ({"method": "guess"}, r"method is 'guess', must be one of next_token, generate"),
        ({"split": "train"}, r"evaluation\.split is 'train', must be one of test, val"),
    ],
)  # fmt: skip
def test_values_that_are_refused(values, text):
    with pytest.raises(ValueError, match=text):
        QuestionAnswering(**values)


def test_values_that_are_taken():
    found = QuestionAnswering(batch_size=1, method="generate", split="val", max_new_tokens=1)
    assert (found.method, found.split, found.bootstrap) == ("generate", "val", 1000)
