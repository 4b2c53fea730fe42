"""The words of ErrorRadar (arXiv 2410.04509): kinds of errors, kinds of problems, their shares."""

from __future__ import annotations

from typing import Final

CATEGORIES: Final = ("VIS", "CAL", "REAS", "KNOW", "MIS")
"""Codes of the five kinds of errors, in the paper's order."""
NAMES: Final = {
    "VIS": "visual perception error",
    "CAL": "calculation error",
    "REAS": "reasoning error",
    "KNOW": "knowledge error",
    "MIS": "misinterpretation of the question",
}
DEFINITIONS: Final = {
    "VIS": "a value or relation is read wrongly from the figure",
    "CAL": "an arithmetic operation is carried out wrongly",
    "REAS": "an improper logical step, such as the wrong operation",
    "KNOW": "a wrong or incomplete concept or formula is used",
    "MIS": "something else than what is asked is worked out",
}
"""In our own words: the paper's prompts could not be read."""
PROBLEM_TYPES: Final = (
    "plane_geometry",
    "solid_geometry",
    "diagram",
    "algebra",
    "math_commonsense",
)
CATEGORY_SHARES: Final = {"VIS": 0.158, "CAL": 0.365, "REAS": 0.380, "KNOW": 0.048, "MIS": 0.049}
"""Shares among the paper's 2,500 problems."""
TYPE_SHARES: Final = {
    "plane_geometry": 0.624,
    "solid_geometry": 0.076,
    "diagram": 0.093,
    "algebra": 0.115,
    "math_commonsense": 0.092,
}
LEAST_STEPS: Final = 3
MOST_STEPS: Final = 20
"""Numbers of steps in the paper's data."""
