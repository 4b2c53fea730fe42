import torch

from simlearn.analysis.adapter import ModelAdapter
from simlearn.analysis.generated_rows import GeneratedRows
from tests.analysis.hook_counts import hook_counts
from tests.analysis.models import tiny_model


def test_a_row_is_out_from_its_end_on_and_a_prompt_begins_anew():
    adapter = ModelAdapter(tiny_model("llava"))
    adapter.model.generation_config.eos_token_id = [7, 9]
    embed = adapter.model.get_input_embeddings()
    before = hook_counts(adapter.model)
    with GeneratedRows(adapter, ("text", "generated")) as rows:
        for _ in range(2):
            embed(torch.tensor([[1, 7, 7], [1, 2, 3]]))
            rows.start(2)
            for ids, expected in (
                ([3, 4], [1, 1]),
                ([9, 5], [0, 1]),
                ([0, 6], [0, 1]),
                ([0, 7], [0, 0]),
            ):
                embed(torch.tensor(ids)[:, None])
                plan = rows.plan()
                assert plan.n.tolist() == [[0, e] for e in expected]
                assert len(plan.runs) == sum(expected)
        adapter.model.generation_config.eos_token_id = None
        rows.start(1)
        embed(torch.tensor([[7]]))
        assert rows.plan().n.tolist() == [[0, 1]]
        adapter.model.generation_config.eos_token_id = 7
        assert rows.plan().n.tolist() == [[0, 0]]
    assert hook_counts(adapter.model) == before
