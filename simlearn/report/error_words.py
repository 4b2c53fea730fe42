"""Names and meanings of the metrics of wrong steps in worked solutions."""

from __future__ import annotations

NAMES = {
    "step_accuracy": "step accuracy",
    "step_within_one": "step within one",
    "step_distance": "distance of the step",
    "step_accuracy_first": "step accuracy, first third",
    "step_accuracy_middle": "step accuracy, middle third",
    "step_accuracy_last": "step accuracy, last third",
    "step_accuracy_none": "right solutions told as right",
    "step_f1": "step F1",
    "step_parse_failures": "replies without a step",
    "category_macro_f1": "category macro-F1",
    "category_macro_precision": "category macro-precision",
    "category_macro_recall": "category macro-recall",
    "category_parse_failures": "replies without a category",
    "joint_accuracy": "both right",
}
MEANINGS = {
    "step_accuracy": "share of solutions whose first wrong step is found",
    "step_within_one": "share in which the step is right or its neighbour is named",
    "step_distance": "mean number of steps between the named and the wrong one, where a step was "
    "named",
    "step_accuracy_first": "of solutions whose wrong step stands in the first third",
    "step_accuracy_middle": "of solutions whose wrong step stands in the middle third",
    "step_accuracy_last": "of solutions whose wrong step stands in the last third",
    "step_f1": "harmonic mean of the accuracies on wrong and on right solutions",
    "category_accuracy": "share of solutions whose kind of error is named",
    "category_macro_f1": "mean of the F1 of the five kinds of errors",
    "category_macro_precision": "mean of the precision of the five kinds of errors",
    "category_macro_recall": "mean of the recall of the five kinds of errors",
    "joint_accuracy": "share of solutions with the step and the kind right",
}
