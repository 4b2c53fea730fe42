import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.analysis.adapter import ModelAdapter
from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.intervene import columns_by_layer, deactivate, overwrite
from simlearn.analysis.neuron_set import NeuronSet
from tests.analysis.models import FAMILIES, tiny_batch, tiny_model

SOME = {"image": [(0, 3), (2, 47), (2, 5)], "text": [(0, 3), (1, 0)]}


def hooks(model):
    return {
        name: [
            {key: id(hook) for key, hook in getattr(module, kind).items()}
            for kind in ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks")
        ]
        for name, module in model.named_modules()
    }


def logits(model, batch):
    with torch.no_grad():
        return ModelAdapter(model).forward(batch, logits="all")


def seen_by_down_proj(adapter, batch):
    """Inputs of every down_proj in one pass."""
    found, handles = {}, []
    for site in adapter.sites("text", "product"):

        def keep(module, args, layer=site.layer):
            found[layer] = args[0].detach().clone()

        handles.append(site.module.register_forward_pre_hook(keep))
    with torch.no_grad():
        adapter.forward(batch)
    for handle in handles:
        handle.remove()
    return found


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 6), st.integers(0, 999), st.sampled_from([0.0, -0.5, 2.0, "min"]))
def test_overwrite_is_a_loop_over_entries(width, seed, value):
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(2, 3, width, generator=g)
    before = x.clone()
    columns = torch.randperm(width, generator=g)[: width // 2]
    found = overwrite(x, columns, value)
    fill = min(x.flatten().tolist()) if value == "min" else value
    for b in range(2):
        for t in range(3):
            for n in range(width):
                own = fill if n in columns.tolist() else float(x[b, t, n])
                assert float(found[b, t, n]) == own
    assert torch.equal(x, before)


@pytest.mark.parametrize("family", FAMILIES)
def test_chosen_neurons_are_zero_and_no_others_of_the_first_layer_change(family):
    adapter = ModelAdapter(tiny_model(family))
    batch = tiny_batch(family)
    base = seen_by_down_proj(adapter, batch)
    with deactivate(adapter, SOME):
        off = seen_by_down_proj(adapter, batch)
    assert bool((off[0][..., 3] == 0).all())
    assert bool((off[1][..., 0] == 0).all())
    assert bool((off[2][..., [5, 47]] == 0).all())
    rest = [n for n in range(48) if n != 3]
    assert torch.equal(off[0][..., rest], base[0][..., rest])
    assert not torch.equal(off[2], base[2])


@pytest.mark.parametrize("family", FAMILIES)
def test_everything_is_as_before_afterwards(family):
    model = tiny_model(family)
    batch = tiny_batch(family)
    state = copy.deepcopy(model.state_dict())
    base, before = logits(model, batch), hooks(model)
    with deactivate(model, SOME):
        assert not torch.equal(logits(model, batch), base)
    with deactivate(model, {"none": torch.zeros(0, 2, dtype=torch.int32)}):
        assert torch.equal(logits(model, batch), base)
    with deactivate(model, {}):
        assert torch.equal(logits(model, batch), base)
    with pytest.raises(RuntimeError, match="own"), deactivate(model, SOME):
        raise RuntimeError("own")
    assert hooks(model) == before
    assert torch.equal(logits(model, batch), base)
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())


def test_all_neurons_off_leave_nothing_to_down_proj():
    adapter = ModelAdapter(tiny_model("llava"))
    every = {"all": [(layer, n) for layer in range(3) for n in range(48)]}
    with deactivate(adapter, every):
        seen = seen_by_down_proj(adapter, tiny_batch("llava"))
    assert len(seen) == 3 and not any(bool(x.any()) for x in seen.values())


@pytest.mark.parametrize("family", ["llava", "qwen2_vl", "qwen2_audio"])
def test_generation_with_a_cache_equals_passes_without(family):
    """Every step is under the mask: greedy decoding by whole passes finds the same tokens."""
    adapter = ModelAdapter(tiny_model(family, dtype=torch.float64))
    for layer in adapter.decoder.layers:
        layer.mlp.down_proj.weight.data *= 300  # random weights hardly matter otherwise
    batch = tiny_batch(family, words=(5,), dtype=torch.float64)
    every = {"some": [(layer, n) for layer in range(3) for n in range(0, 48, 2)]}
    plain = adapter.generate(batch, max_new_tokens=6, eos_token_id=None)
    with deactivate(adapter, every):
        new = adapter.generate(batch, max_new_tokens=6, eos_token_id=None)
        longer = dict(batch)
        for token in new[0]:
            with torch.no_grad():
                assert int(adapter.forward(longer, logits="last").argmax()) == int(token)
            longer["input_ids"] = torch.cat([longer["input_ids"], token.view(1, 1)], dim=1)
            for name in ("attention_mask", "mm_token_type_ids"):
                if name in longer:
                    tail = torch.full_like(longer[name][:, :1], name == "attention_mask")
                    longer[name] = torch.cat([longer[name], tail], dim=1)
    assert not torch.equal(plain, new)


def test_rows_of_a_batch_are_as_they_are_alone():
    adapter = ModelAdapter(tiny_model("llava", dtype=torch.float64))
    both = tiny_batch("llava", words=(5, 3), dtype=torch.float64)
    with deactivate(adapter, SOME), torch.no_grad():
        together = adapter.forward(both, logits="last")
        for row in range(2):
            start = int((both["attention_mask"][row] == 0).sum())
            alone = {
                "input_ids": both["input_ids"][row : row + 1, start:],
                "attention_mask": both["attention_mask"][row : row + 1, start:],
                "pixel_values": both["pixel_values"][row : row + 1],
            }
            single = adapter.forward(alone, logits="last")
            assert torch.allclose(single[0], together[row], atol=1e-9)


def test_nested_contexts_add_up():
    model = tiny_model("llava")
    batch = tiny_batch("llava")
    with deactivate(model, {"both": [(0, 3), (1, 4)]}):
        both = logits(model, batch)
    with deactivate(model, {"a": [(0, 3)]}), deactivate(model, {"b": [(1, 4)]}):
        assert torch.equal(logits(model, batch), both)


def test_min_is_the_smallest_activation_of_the_call():
    adapter = ModelAdapter(tiny_model("llava"))
    batch = tiny_batch("llava")
    act = adapter.sites()[1].module
    seen = []
    with deactivate(adapter, {"a": [(1, 7)]}, value="min"):
        handle = act.register_forward_hook(lambda m, args, out: seen.append((args[0], out)))
        with torch.no_grad():
            adapter.forward(batch)
        handle.remove()
    gate, out = seen[0]
    free = torch.nn.functional.silu(gate)
    assert bool((out[..., 7] == free.min()).all())
    assert torch.equal(out[..., :7], free[..., :7])


def test_gradients_pass_and_stop_at_the_neurons():
    adapter = ModelAdapter(tiny_model("llava"))
    gate = adapter.decoder.layers[1].mlp.gate_proj.weight
    with deactivate(adapter, {"a": [(1, 7)]}):
        adapter.forward(tiny_batch("llava"), logits="last").sum().backward()
    assert not bool(gate.grad[7].any()) and bool(gate.grad[8].any())


def test_the_union_of_groups_is_taken():
    adapter = ModelAdapter(tiny_model("llava"))
    found = columns_by_layer(adapter, SOME)
    assert {k: v.tolist() for k, v in found.items()} == {0: [3], 1: [0], 2: [5, 47]}


@pytest.mark.parametrize(
    "pairs, text",
    [
        ([(3, 0)], r"neuron \(3, 0\) of group 'a' is not in this model, whose layers are 0 to 2"),
        ([(0, 48)], r"neuron \(0, 48\).*neurons 0 to 47"),
        ([(-1, 0)], r"neuron \(-1, 0\)"),
        ([0, 1], r"must be whole numbers \(n, 2\)"),
        (torch.zeros(2, 2), "float32"),
    ],
)
def test_neurons_that_are_not_there_are_refused_on_entry(pairs, text):
    model = tiny_model("llava")
    before = hooks(model)
    with pytest.raises(AnalysisError, match=text), deactivate(model, {"a": pairs}):
        raise AssertionError("was entered")
    assert hooks(model) == before


def test_masks_of_another_model_are_refused():
    adapter = ModelAdapter(tiny_model("llava"))
    own = NeuronSet({"a": [(0, 0)]}, shape=adapter.shape, model=adapter.fingerprint)
    with deactivate(adapter, own):
        pass
    other = NeuronSet({"a": [(0, 0)]}, shape=(3, 48), model="0123456789abcdef")
    with pytest.raises(AnalysisError, match="of model 0123456789abcdef, this model is"):
        deactivate(adapter, other).__enter__()
    with pytest.raises(AnalysisError, match="4 layers of 48 neurons, this one has 3 layers of 48"):
        deactivate(adapter, NeuronSet({"a": [(0, 0)]}, shape=(4, 48))).__enter__()


def test_compiled_models_are_refused_with_the_way_out():
    model = tiny_model("llava")
    adapter = ModelAdapter(model)
    with pytest.raises(AnalysisError, match="is compiled.*use `folded`"):
        deactivate(torch.compile(model, backend="eager"), SOME).__enter__()
    adapter.decoder.layers[1].compile(backend="eager")
    with pytest.raises(AnalysisError, match=r"layers\.1 is compiled"):
        deactivate(adapter, SOME).__enter__()


def test_a_fused_kernel_is_noticed():
    """An MLP whose forward never calls its act_fn, as kernel libraries install it."""
    model = tiny_model("llava")
    adapter = ModelAdapter(model)
    mlp = adapter.decoder.layers[1].mlp
    logits(model, tiny_batch("llava"))  # transformers hangs hooks of its own on the first pass
    before = hooks(model)

    def fused(x):
        return mlp.down_proj(torch.nn.functional.silu(mlp.gate_proj(x)) * mlp.up_proj(x))

    mlp.forward = fused
    with pytest.raises(AnalysisError, match=r"layer 1 .*switched off in 0 of 1 passes.*folded"):  # noqa: SIM117
        with deactivate(adapter, SOME):
            logits(model, tiny_batch("llava"))
    assert hooks(model) == before
    with deactivate(adapter, {"a": [(0, 0)]}):
        logits(model, tiny_batch("llava"))


def test_a_pass_that_failed_and_was_caught_is_no_fault():
    adapter = ModelAdapter(tiny_model("llava"))

    def fail(*_):
        raise MemoryError

    with deactivate(adapter, SOME):
        handle = adapter.decoder.layers[1].register_forward_pre_hook(fail)
        with pytest.raises(MemoryError), torch.no_grad():
            adapter.forward(tiny_batch("llava"))
        handle.remove()
        with torch.no_grad():
            adapter.forward(tiny_batch("llava"))


def test_values_that_are_no_number_are_refused():
    with pytest.raises(ValueError, match="value is 'max'"):
        deactivate(tiny_model("llava"), SOME, value="max").__enter__()
