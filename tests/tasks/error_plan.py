"""What a server says about every problem, how a reader reads it, and what that scores."""

from __future__ import annotations

from sklearn.metrics import f1_score

from simlearn.analysis.errorradar.taxonomy import CATEGORIES
from tests.tasks.error_case import record_of


def planned(records):
    """What the server says about each record, and how a reader reads it: six kinds in turn."""
    found = {}
    for number, r in enumerate(records):
        step, kind, n = r["error_step"], r["error_category"], len(r["steps"])
        beside = step - 1 if step > 1 else step + 1
        far = next(s for s in (1, n) if abs(s - step) > 1)
        other = CATEGORIES[(CATEGORIES.index(kind) + 1) % 5]
        found[r["id"]] = [
            (f'{{"step": {step}, "category": "{kind}"}}', step, kind),
            (f"It goes wrong early.\nStep {beside}, {kind}", beside, kind),
            (f'Well:\n```json\n{{"category": "{other}", "step": "{step}"}}\n```', step, other),
            ("I cannot tell.", None, None),
            (f"**Step {far}, {other}**", far, other),
            (f'{{"step": {step}, "category": "spelling"}}', step, None),
        ][number % 6]
    return found


def naive(records, plan):
    """Metrics by counting on fingers, and macro-F1 by scikit-learn."""
    told = [(r["error_step"], r["error_category"], *plan[r["id"]][1:]) for r in records]
    share = {
        "step_accuracy": [s == a for s, _, a, _ in told],
        "step_within_one": [a in (s - 1, s, s + 1) for s, _, a, _ in told],
        "category_accuracy": [c == b for _, c, _, b in told],
        "joint_accuracy": [(s, c) == (a, b) for s, c, a, b in told],
        "step_parse_failures": [a is None for _, _, a, _ in told],
        "category_parse_failures": [b is None for _, _, _, b in told],
    }
    gold, said = zip(*((c, b or "unread") for _, c, _, b in told), strict=True)
    f1 = f1_score(gold, said, labels=list(CATEGORIES), average="macro", zero_division=0)
    distances = [abs(a - s) for s, _, a, _ in told if a is not None]
    return {
        **{name: sum(hits) / len(hits) for name, hits in share.items()},
        "category_macro_f1": float(f1),
        "step_distance": sum(distances) / len(distances),
    }


def planned_script(records, plan):
    """The server's script for any way to ask."""

    def script(prompt, nth):
        text, step, kind = plan[record_of(prompt, records)["id"]]
        if "Reply only with: Step" in prompt:
            text = "I cannot tell." if step is None else f"Step {step}"
        elif "Reply only with one of:" in prompt:
            text = "I cannot tell." if kind is None else kind
        return f"say:{text}"

    return script
