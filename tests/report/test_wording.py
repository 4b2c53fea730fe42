from __future__ import annotations

import math
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlearn.report import wording


@pytest.mark.parametrize(
    ("name", "label", "percent"),
    [
        ("recall_at_1", "top-1", True),
        ("val/recall_at_20", "top-20", True),
        ("map_at_r", "MAP@R", True),
        ("r_precision", "R-precision", True),
        ("mrr", "MRR", True),
        ("accuracy", "accuracy", True),
        ("nshot_accuracy", "nshot accuracy", True),
        ("verification_accuracy", "verification accuracy", True),
        ("verification_auc", "verification AUC", False),
        ("val/verification_eer", "verification equal error rate", True),
        ("nshot_1_accuracy", "1-shot accuracy", True),
        ("nshot_2_accuracy", "2-shot accuracy", True),
        ("nshot_5_accuracy", "5-shot accuracy", True),
        ("nshot_2_linear_accuracy", "2-shot, linear SVM", True),
        ("val/nshot_5_rbf_accuracy", "5-shot, RBF SVM", True),
        ("nshot_1_nearest_mean_accuracy", "1-shot, nearest mean", True),
        ("nshot_clips_5_linear_accuracy", "5 clips, linear SVM", True),
        ("nshot_clips_1_accuracy", "1 clip accuracy", True),
        ("nshot_2_forest_accuracy", "nshot 2 forest accuracy", True),
        ("eer", "eer", False),
        ("omega_base", "omega base", False),
        ("omega_all_per_experience", "omega all, per experience", False),
        ("ncm_all", "nearest class mean, all classes", True),
        ("val/ncm_new", "newest classes", True),
        ("ncm_real", "real class means", True),
        ("ncm_", "ncm ", False),
        ("svm_accuracy", "linear SVM", True),
        ("forgetting", "forgetting", True),
        ("forgetting_first", "forgetting first", True),
        ("backward_transfer", "backward transfer", True),
        ("average_incremental_accuracy", "average incremental accuracy", True),
        (
            "average_incremental_accuracy_tasks",
            "average incremental accuracy, by experience",
            True,
        ),
        ("old_purity", "old purity", True),
        ("intrusion", "intrusion", True),
        ("origin_probe", "origin probe", True),
        ("old_mean_drift", "old mean drift", False),
        ("base_slope", "slope of base classes", False),
        ("old_slope", "slope of old classes", False),
        ("recall_at_", "recall at ", False),
        ("inaccuracy", "inaccuracy", False),
    ],
)
def test_metrics_have_their_usual_names(name, label, percent):
    assert wording.metric_label(name) == label
    assert wording.is_percent(name) is percent


def test_percent_metrics_have_one_decimal():
    assert wording.metric_number("recall_at_1", 0.5834) == "58.3\u00a0%"
    assert wording.metric_number("recall_at_1", 1) == "100.0\u00a0%"
    assert wording.metric_number("omega_all", 0.5834) == "0.5834"
    assert wording.metric_interval("recall_at_1", (0.521, 0.64)) == "[52.1, 64.0]"
    assert wording.metric_interval("omega_all", (0.5, 1.25)) == "[0.5, 1.25]"


def test_what_is_not_a_number_is_a_dash():
    for name in ("recall_at_1", "omega_all"):
        assert wording.metric_number(name, math.nan) == "-"
        assert wording.metric_number(name, None) == "-"
        assert wording.metric_interval(name, (0.1, math.inf)) == "-"
        assert wording.metric_interval(name, None) == "-"
    assert [wording.number(v) for v in (None, "", math.nan, math.inf)] == ["-"] * 4
    assert wording.duration(math.nan) == wording.duration(-1.0) == "-"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (-1234567, "-1\u2009234\u2009567"),
        (np.int64(1000), "1\u2009000"),
        (2.0, "2"),
        (0.00012345, "0.0001234"),
        (2.4e-8, "2.4e-8"),
        (1.5e12, "1.5e12"),
        (np.float32(0.25), "0.25"),
        (True, "yes"),
        ("as it is", "as it is"),
    ],
)
def test_numbers(value, text):
    assert wording.number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (0.0123, "12 ms"),
        (8.24, "8.2 s"),
        (59.96, "1 min 00 s"),
        (134, "2 min 14 s"),
        (3599.7, "1 h 00 min"),
        (11100, "3 h 05 min"),
    ],
)
def test_durations(seconds, text):
    assert wording.duration(seconds) == text


def test_every_retrieval_metric_is_explained():
    for name in ("recall_at_1", "recall_at_5", "map_at_r", "r_precision", "mrr"):
        assert wording.metric_meaning(name)
    assert "among the 5 nearest" in wording.metric_meaning("recall_at_5")
    assert wording.metric_meaning("omega_none") == ""


def test_every_metric_of_pairs_and_of_few_shots_is_explained():
    for name in ("accuracy", "auc", "eer"):
        assert "pair" in wording.metric_meaning(f"verification_{name}")
    for name, words in (
        ("nshot_1_accuracy", "share of items named rightly from 1 example of each class"),
        ("nshot_2_linear_accuracy", "rightly by a linear SVM from 2 examples of each class"),
        ("nshot_5_rbf_accuracy", "by an SVM with an RBF kernel from 5 examples of each class"),
        ("val/nshot_2_nearest_mean_accuracy", "by the nearest class mean from 2 examples"),
        ("nshot_clips_5_linear_accuracy", "by a linear SVM from 5 clips of each class"),
    ):
        assert words in wording.metric_meaning(name)
    assert wording.metric_meaning("nshot_2_forest_accuracy") == ""
    assert wording.metric_number("verification_eer", 0.123) == "12.3\u00a0%"
    assert wording.metric_interval("nshot_2_linear_accuracy", (0.5, 0.75)) == "[50.0, 75.0]"


def test_every_metric_of_a_stream_is_explained():
    for name, words in (
        ("ncm_all", "whose nearest prototype is that of their class"),
        ("ncm_base", "on the images of the first experience's classes"),
        ("ncm_new", "on the images of the last experience's classes"),
        ("ncm_real", "which no strategy keeps"),
        ("omega_base", "on the base classes, divided by what joint training reaches on them"),
        ("omega_new", "on the classes just learnt"),
        ("omega_all", "on all seen classes, divided by what joint training reaches"),
        ("omega_base_per_experience", "joint network of the same experience"),
        ("omega_all_per_experience", "joint network of the same experience"),
        ("average_incremental_accuracy", "accuracy on all seen classes"),
        ("average_incremental_accuracy_tasks", "every experience counted once"),
        ("forgetting", "best accuracy minus the last one"),
        ("forgetting_first", "first accuracy minus the last one"),
        ("backward_transfer", "minus the line above"),
        ("base_slope", "percentage points"),
        ("old_slope", "all classes that came before"),
        ("svm_accuracy", "linear SVM on the embeddings"),
        ("old_mean_drift", "Euclidean way"),
        ("old_purity", "nearest neighbours"),
        ("intrusion", "nearest prototype is that of an old class"),
        ("val/origin_probe", "linear probe tells generated from real"),
    ):
        assert words in wording.metric_meaning(name), name
    assert wording.metric_number("ncm_all", 0.5) == "50.0\u00a0%"
    assert wording.metric_number("base_slope", -12.5) == "-12.5"


def test_what_stands_above_a_line_that_refers_to_it():
    """The table follows the order of the metrics: "the same", "the line above"."""
    from simlearn.tasks.incremental_metrics import stream_metrics
    from tests.tasks.incremental_case import SIZES, ideal_case, results

    names = list(stream_metrics(results(), SIZES, ideal_case(), bootstrap=5, seed=0))
    for line, above in (
        ("ncm_base", "ncm_all"),
        ("average_incremental_accuracy_tasks", "average_incremental_accuracy"),
        ("backward_transfer", "forgetting_first"),
        ("old_slope", "base_slope"),
    ):
        assert names.index(line) == names.index(above) + 1


def test_letters_of_every_script_stay_and_what_hides_is_shown():
    assert wording.visible("Ana Ivanović 李小龙 مرحبا\t\n") == "Ana Ivanović 李小龙 مرحبا\t\n"
    assert wording.visible("a\u202eb\x00\ud800") == "a\\u202eb\\u0000\\ud800"
    assert (
        wording.visible("\ufffe\uffff\ufffd") == "\\ufffe\\uffff\ufffd"
    )  # not in XML: the first two
    assert wording.one_line(" a \n b\t") == "a b"
    assert wording.one_line("x" * 50, 10) == "x" * 9 + "…"


@given(st.text(st.characters(exclude_categories=())))
def test_visible_text_can_be_encoded_and_hides_nothing(text):
    shown = wording.visible(text)
    shown.encode("utf-8")
    marks = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    assert not marks & {unicodedata.bidirectional(c) for c in shown}
    assert all(c in "\t\n" or unicodedata.category(c) not in ("Cc", "Cs") for c in shown)
    assert wording.visible(shown) == shown
