import json

import torch

from simlearn.analysis.sample_record import SampleRecord, records_of_batch
from simlearn.analysis.tokens import TokenModality


def test_records_count_the_tokens_that_occur():
    codes = torch.tensor([[0, 0, 2, 3, 3, 1], [2, 1, 1, 6, 5, 4]], dtype=torch.int8)
    first, second = records_of_batch(["a", "é"], ["vqa", "other"], TokenModality(codes))
    assert first == SampleRecord("a", "vqa", {"special": 1, "image": 2, "text": 1})
    assert second.tokens == {"text": 2, "special": 1, "video": 1, "audio": 1, "generated": 1}
    assert second.key == ("other", "é")


def test_line_is_json():
    line = SampleRecord("a\n", "d", {"text": 3}).line()
    assert line.count("\n") == 1
    assert json.loads(line) == {"id": "a\n", "dataset": "d", "tokens": {"text": 3}}
