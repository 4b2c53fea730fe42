"""Every prompt of a run is asked once, and its reply kept before the next is looked at."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace

import pytest

from simlearn.analysis.errorradar.endpoint import EndpointError, EndpointSession, Failure
from simlearn.analysis.errorradar.error_protocol import TASKS
from simlearn.tasks import error_asking
from simlearn.tasks.error_asking import BATCH, ask_all
from simlearn.trainer.interrupt import Interrupted, StopFlag
from tests.tasks.wrong_steps import Kept, asked_about, record, records, reply_to


class Session(EndpointSession):
    """Answers at once; what it does beside is told by the number of the request."""

    name, weights = "tiny", "open"

    def __init__(self, *, fails=(), breaks=None, stops=None, said=""):
        self.fails, self.breaks, self.stops, self.said = fails, breaks, stops, said
        self.asked, self.remembered = [], []

    def identity(self):
        return {"model": "tiny"}

    def remember(self, reply):
        self.remembered.append(reply.key)

    def spent(self):
        return self.said

    def ask(self, requests, *, stop=None):
        for request in requests:
            number = len(self.asked)
            if number == self.breaks:
                raise EndpointError("the key is wrong")
            self.asked.append(request)
            if number in self.fails:
                yield Failure(request.key, request.id, request.task, request.variant, "no")
            else:
                yield reply_to(request, f"Step {number}")
            if number == self.stops:
                stop.signal = "SIGINT"
            if stop.signal:
                return


def ask(session, asked, kept, variants=(), told=None, **changes):
    """Ask everything; gives the failures."""
    told = [] if told is None else told
    fields = {"adapter": None, "stop": StopFlag(), "line": lambda *words: told.append(words)}
    return ask_all(session, asked, list(variants), kept, **{**fields, "run_dir": "RUN", **changes})


def mask(name, fingerprint):
    """A mask over neurons, as far as prompts know it."""
    return SimpleNamespace(name=name, fingerprint=fingerprint, neurons=f"neurons of {name}")


@pytest.mark.parametrize("how", sorted(TASKS))
def test_prompts_come_by_record_and_task(how):
    some = records(5)
    asked = asked_about(some, ask=how)
    requests = list(asked.requests())
    assert [(r.id, r.task) for r in requests] == [
        (one.id, task) for one in some for task in TASKS[how]
    ]
    assert asked.total(0) == len(requests) and asked.total(3) == 4 * len(requests)
    assert [r.key for r in asked.requests()] == [r.key for r in requests]
    assert all(re.fullmatch("[0-9a-f]{64}", r.key) and r.variant == "" for r in requests)
    assert [r.image for r in requests] == [one.image for one in some for _ in TASKS[how]]
    for request in requests:
        assert f"question {request.id[1:]}" in request.text


def test_no_label_reaches_a_prompt_or_its_key():
    for told in (False, True):
        one = asked_about([record(step=2, category="CAL")], ask="separate", tell_step=told)
        two = asked_about([record(step=3, category="VIS")], ask="separate", tell_step=told)
        same = [a.key == b.key for a, b in zip(one.requests(), two.requests(), strict=True)]
        assert same == [True, not told]


def keys(*, some=None, variant=None, **changes):
    """Keys of the usual prompts with something changed."""
    asked = asked_about([record(), record(1)] if some is None else some, **changes)
    return [request.key for request in asked.requests(variant)]


def test_a_key_changes_with_all_that_a_reply_depends_on():
    usual = keys()
    found = {
        "usual": usual,
        "the model": keys(identity={"model": "other"}),
        "the style": keys(style="stepwise"),
        "no figures": keys(images=False),
        "another figure": keys(some=[record(image=b"new"), record(1, image=b"newer")]),
        "another id": keys(some=[record(id="a"), record(1, id="b")]),
        "what is asked": keys(ask="step"),
        "a mask": keys(variant=mask("image", "1")),
        "another mask": keys(variant=mask("text", "1")),
        "other neurons": keys(variant=mask("image", "2")),
        "another value": keys(variant=mask("image", "1"), value=1.0),
        "the smallest value": keys(variant=mask("image", "1"), value=None),
    }
    flat = [key for some in found.values() for key in some]
    assert len(set(flat)) == len(flat)
    # and with nothing else: the value counts only under a mask
    assert keys(value=1.0, bootstrap=7, missing=1.0, controls=9) == usual


def test_records_of_the_same_words_have_replies_of_their_own():
    one, two = keys(some=[record(), replace(record(), id="other")])
    assert one != two


def test_a_record_without_figure_is_asked_like_any_other():
    asked = asked_about([record(image=None), record(1)])
    assert [r.image for r in asked.requests()] == [None, b"picture 1"]
    assert all(r.image is None for r in asked_about(records(3), images=False).requests())


def test_everything_is_asked_once_and_kept():
    session, kept, told = Session(said="12 tokens"), Kept(), []
    asked = asked_about(records(6), ask="separate")
    assert ask(session, asked, kept, told=told) == []
    wanted = [request.key for request in asked.requests()]
    assert [r.key for r in session.asked] == list(kept.replies) == wanted
    assert [words[:3] for words in told] == [("replies", i, 12) for i in range(1, 13)]
    assert told[0][3]() == "12 tokens"
    assert kept.synced[-1] == 12  # all of it is on the disk


def test_nothing_is_added_to_the_line_where_nothing_is_spent():
    told = []
    ask(Session(), asked_about(records(1)), Kept(), told=told)
    assert told == [("replies", 1, 1, None)]


def test_what_is_kept_is_not_asked_again_but_counted():
    asked, kept = asked_about(records(6)), Kept()
    requests = list(asked.requests())
    for request in requests[1::2]:
        kept.append(reply_to(request, "old"))
    session, told = Session(), []
    ask(session, asked, kept, told=told)
    assert [r.key for r in session.asked] == [r.key for r in requests[0::2]]
    assert session.remembered == [r.key for r in requests[1::2]]
    assert kept.get(requests[1].key).text == "old" and len(kept) == 6
    again = Session()
    ask(again, asked, kept)
    assert again.asked == [] and len(again.remembered) == 6


def test_failures_are_given_and_not_kept():
    session, kept = Session(fails=(1, 3)), Kept()
    asked = asked_about(records(5))
    failures = ask(session, asked, kept)
    requests = list(asked.requests())
    assert [f.key for f in failures] == [requests[1].key, requests[3].key]
    assert len(kept) == 3 and not any(f.key in kept for f in failures)


def test_an_endpoint_that_gives_up_says_how_to_go_on():
    kept = Kept()
    with pytest.raises(EndpointError) as caught:
        ask(Session(breaks=3), asked_about(records(6)), kept)
    assert str(caught.value) == (
        "the key is wrong (3 replies are kept; go on with: python -m simlearn.train resume=RUN)"
    )
    assert len(kept) == 3 and kept.synced[-1] == 3


def test_a_signal_stops_between_two_prompts():
    kept = Kept()
    with pytest.raises(Interrupted) as caught:
        ask(Session(stops=1), asked_about(records(6)), kept)
    assert str(caught.value) == "stopped by SIGINT, 2 of 6 replies are kept"
    assert len(kept) == kept.synced[-1] == 2


def test_a_signal_at_the_last_prompt_stops_nothing():
    kept = Kept()
    assert ask(Session(stops=5), asked_about(records(6)), kept) == []
    assert len(kept) == 6


def test_what_a_signal_left_without_reply_is_no_failure():
    kept = Kept()
    with pytest.raises(Interrupted, match="stopped by SIGINT, 5 of 6 replies are kept"):
        ask(Session(stops=5, fails=(5,)), asked_about(records(6)), kept)
    assert len(kept) == 5


def test_replies_go_to_the_disk_now_and_then(monkeypatch):
    monkeypatch.setattr(error_asking.time, "monotonic", lambda: 0.0)
    kept = Kept()
    ask(Session(), asked_about(records(2 * BATCH + 5)), kept)
    assert kept.synced == [BATCH, 2 * BATCH, 2 * BATCH + 5]


@pytest.mark.parametrize(("value", "laid"), [(0.0, 0.0), (-1.5, -1.5), (None, "min")])
def test_masks_are_laid_one_after_the_other(value, laid, monkeypatch):
    under, seen, session, kept = [], [], Session(), Kept()

    @contextmanager
    def masked(adapter, neurons, given):
        under.append((adapter, neurons, given))
        yield
        under.pop()

    monkeypatch.setattr(error_asking, "deactivate", masked)
    original = kept.append
    kept.append = lambda reply: (seen.append((reply.variant, list(under))), original(reply))
    asked = asked_about(records(2), value=value)
    ask(session, asked, kept, [mask("union", "1"), mask("image", "2")], adapter="adapter")
    assert seen == [
        *[("", [])] * 2,
        *[("union", [("adapter", "neurons of union", laid)])] * 2,
        *[("image", [("adapter", "neurons of image", laid)])] * 2,
    ]
    assert under == []


def test_a_signal_before_the_masks_leaves_them_out():
    kept = Kept()
    with pytest.raises(Interrupted, match="stopped by SIGINT, 2 of 4 replies are kept"):
        ask(Session(stops=1), asked_about(records(2)), kept, [mask("union", "1")], adapter=None)
    assert {reply.variant for reply in kept.replies.values()} == {""}
