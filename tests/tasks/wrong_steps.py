"""Records, rows and kept replies for unit tests of a search for wrong steps."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field

from simlearn.analysis.errorradar.endpoint import Reply
from simlearn.analysis.errorradar.error_protocol import ErrorRadar
from simlearn.analysis.errorradar.prompt_style import load_style
from simlearn.analysis.errorradar.record import Record
from simlearn.analysis.errorradar.record_source import RecordData
from simlearn.analysis.errorradar.taxonomy import CATEGORIES
from simlearn.tasks.error_asking import Questionnaire
from simlearn.tasks.error_results import ErrorResults

HOSTILE = "<script>x</script>\x1b[2J\nnext\u202e" + "long " * 40
"""As a name: markup, steering of a terminal, a second line, another direction, long."""
TYPES = ("algebra", "diagram", "")


def record(number=0, *, n_steps=4, step=2, category="CAL", **changes):
    """A record with figure bytes of its own."""
    steps = tuple(f"step {i} of {number}" for i in range(n_steps))
    fields = {
        **{"id": f"p{number}", "question": f"question {number}", "steps": steps},
        **{"error_step": step, "error_category": category},
        **{"problem_type": TYPES[number % 3], "image": b"picture %d" % number},
    }
    return Record(**{**fields, **changes})


def records(count, seed=0, *, right=False):
    """Drawn records; some kinds are not known, and where ``right`` some have no wrong step."""
    source, found = random.Random(seed), []
    for number in range(count):
        n_steps = source.randint(1, 22)
        step = source.randint(0 if right else 1, n_steps)
        kind = source.choice([None, *CATEGORIES]) if step else None
        found.append(record(number, n_steps=n_steps, step=step, category=kind))
    return found


def data_of(some, **changes):
    """The records as if a source had been opened."""
    some = list(some)
    fields = {"facts": {"data": "test", "n": len(some)}, "fingerprint": "f" * 16}
    return RecordData(records=lambda: iter(some), n=len(some), **{**fields, **changes})


def asked_about(some, *, identity=None, style="plain", none_allowed=False, **protocol):
    """What is asked about some records."""
    return Questionnaire(
        data_of(some, none_allowed=none_allowed),
        ErrorRadar(**protocol),
        load_style(style),
        {"model": "tiny"} if identity is None else identity,
    )


def rows_of(some, seed=0, *, skill=0.5, parts=("step", "category")):
    """Rows of a model that knows a share of the answers."""
    source, found = random.Random(seed), []
    for one in some:
        row = {
            "id": one.id,
            "n_steps": one.n_steps,
            "problem_type": one.problem_type,
            "gold_step": one.error_step,
            "gold_category": one.error_category,
        }
        if "step" in parts:
            guess = source.choice([None, source.randint(1, one.n_steps)])
            row["pred_step"] = one.error_step if source.random() < skill else guess
        if "category" in parts:
            guess = source.choice([None, *CATEGORIES])
            row["pred_category"] = one.error_category if source.random() < skill else guess
        found.append(row)
    return found


def results_of(some, rows, **changes):
    """Results that have counted some rows."""
    fields = {"name": "tiny", "weights": "open", "rivals": [], "human": None, "seed": 0}
    results = ErrorResults(**{"data": data_of(some), **fields, "masked": False, **changes})
    for row in rows:
        results.add(row)
    return results


@dataclass
class Kept:
    """Replies in memory in the place of a file."""

    replies: dict[str, Reply] = field(default_factory=dict)
    synced: list[int] = field(default_factory=list)

    def append(self, reply):
        """Keep a reply; each once."""
        assert reply.key not in self.replies
        self.replies[reply.key] = reply

    def sync(self):
        """Note how many there are."""
        self.synced.append(len(self.replies))

    def get(self, key):
        """The reply of a request."""
        return self.replies[key]

    def __contains__(self, key):
        return key in self.replies

    def __iter__(self):
        return iter(list(self.replies.values()))

    def __len__(self):
        return len(self.replies)


def reply_to(request, text, **changes):
    """A reply that belongs to a request."""
    fields = {"model": "served", "finish": "stop", "seconds": 0.5}
    tokens = {"prompt_tokens": 10, "completion_tokens": 3}
    return Reply(
        request.key,
        request.id,
        request.task,
        request.variant,
        text,
        **{**fields, **tokens, **changes},
    )


def share(values):
    """Mean of bools; nan of none."""
    values = list(values)
    return sum(values) / len(values) if values else math.nan


def percent(value):
    """As the tables write a share."""
    return "-" if math.isnan(value) else f"{100 * value:.1f}"
