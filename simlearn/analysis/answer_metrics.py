"""Whether an answer is right, by the rules of the papers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import get_args

from simlearn.data.exclusions import closest
from simlearn.data.question_file import Metric

METRICS: tuple[str, ...] = get_args(Metric)
"""What :func:`judge` knows; :class:`~simlearn.data.questions.Question` names one of them."""

_MARKS = ".,;:!?\"'()"


def judge(metric: str, text: str, answers: Sequence[str]) -> float:
    """How right an answer is, against the right answer that it suits best.

    ==========  ================================================================================
    exact       it begins with the right words; case and marks around a word do not count
    equal       it is the right answer, but for case (MMNeuron: VQAv2, RS-VQA)
    substring   the right answer occurs in it, but for case (MINER: TextVQA, MSVD-QA)
    letter      its first character is the right letter (MINER: MMLU)
    label       the right label occurs in it, case and all (MINER: VocalSound)
    wrr         word recognition rate, 1 - :func:`word_error_rate` (MINER: LibriSpeech)
    anls        :func:`anls` (MMNeuron: DocVQA)
    ==========  ================================================================================

    White space around an answer never counts. An empty right answer is met by nothing (in MINER's
    code it is a substring of everything). "wrr" stops at 0 where the authors' becomes negative.

    Args:
        metric: one of ``METRICS``.
        text: what the model said.
        answers: right answers.

    Returns:
        In [0, 1], only 0 or 1 except for "wrr" and "anls"; 0 without right answers.

    Raises:
        ValueError: a metric that there is not, naming the closest.
    """
    if metric not in _RULES:
        near = closest(metric, METRICS)
        hint = f" Did you mean {near!r}?" if near else ""
        raise ValueError(f"no metric {metric!r}.{hint} There are {', '.join(METRICS)}")
    rule = _RULES[metric]
    return max((float(rule(text.strip(), a.strip())) for a in answers if a.strip()), default=0.0)


def edit_distance(first: Sequence[str], second: Sequence[str]) -> int:
    """The fewest insertions, deletions and replacements between two texts or lists of words.

    O(len(first) * len(second)) time, one row of memory (Levenshtein 1966; Wagner, Fischer 1974).

    Args:
        first: a text, character by character, or words; may be empty.
        second: likewise.
    """
    above = list(range(len(second) + 1))
    for i, a in enumerate(first, 1):
        row = [i]
        for j, b in enumerate(second, 1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (a != b)))
        above = row
    return above[-1]


def word_error_rate(reference: str, text: str) -> float:
    """Edit distance between words over the number of words of the reference, as MINER counts.

    Case does not count. A text in which the whole reference occurs has no error, whatever stands
    around it; marks are part of their word.

    Args:
        reference: what was said.
        text: what was understood.

    Returns:
        From 0, above 1 where more words are wrong than there are; of an empty reference 0.
    """
    right, found = reference.lower().strip(), text.lower().strip()
    if right in found:
        return 0.0
    words = right.split()
    return edit_distance(words, found.split()) / len(words)


def anls(reference: str, text: str, *, cutoff: float = 0.5) -> float:
    """Normalised Levenshtein similarity of one answer (Biten et al. 2019, ICDAR's DocVQA).

    1 - d, d the edit distance between the lower-case texts over the longer one's length, and 0
    where d is not below ``cutoff``. White space is collapsed. The mean over questions of the best
    over the right answers is the ANLS.

    Args:
        reference: a right answer.
        text: the given answer.
        cutoff: 0.5 is DocVQA's; MMNeuron's code has 1, no cut-off.

    Returns:
        In [0, 1]; 1 for two empty texts.
    """
    right, found = (" ".join(words.lower().split()) for words in (reference, text))
    distance = edit_distance(right, found) / max(len(right), len(found), 1)
    return 1 - distance if distance < cutoff else 0.0


def _exact(text: str, answer: str) -> bool:
    """Whether the text begins with the answer's words."""
    right, found = _words(answer), _words(text)
    return bool(right) and found[: len(right)] == right


def _words(text: str) -> list[str]:
    """Lower-case words without the marks around them."""
    return [word for raw in text.lower().split() if (word := raw.strip(_MARKS))]


_RULES: Mapping[str, Callable[[str, str], float]] = {
    "exact": _exact,
    "equal": lambda text, answer: text.lower() == answer.lower(),
    "substring": lambda text, answer: answer.lower() in text.lower(),
    "letter": lambda text, answer: text[:1] == answer,
    "label": lambda text, answer: answer in text,
    "wrr": lambda text, answer: max(0.0, 1 - word_error_rate(answer, text)),
    "anls": lambda text, answer: anls(answer, text),
}
