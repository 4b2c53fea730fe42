"""How names and numbers read on the page and in figures."""

from __future__ import annotations

import math
import re
from numbers import Integral, Real

from simlearn.report import error_words, incremental_words

NOTHING = "-"
_PERCENT = re.compile(
    r"(recall_at_\d+|map_at_r|r_precision|mrr|verification_eer|(.*_)?accuracy(_tasks)?|ncm_\w+|"
    r"step_(within_one|f1|accuracy_(first|middle|last|none))|category_macro_(f1|precision|recall)|"
    r"(step|category)_parse_failures|"
    r"forgetting(_first)?|backward_transfer|old_purity|intrusion|origin_probe)"
)
_NAMES = {
    "map_at_r": "MAP@R",
    "r_precision": "R-precision",
    "mrr": "MRR",
    "auc": "AUC",
    "verification_auc": "verification AUC",
    "verification_eer": "verification equal error rate",
    **error_words.NAMES,
    **incremental_words.NAMES,
}
_MEANINGS = {
    "map_at_r": "mean over queries of the precision at each hit among the R nearest, R being "
    "how many items of the query's class there are",
    "r_precision": "share of the R nearest that are of the query's class",
    "mrr": "mean of 1 / rank of the first hit",
    "verification_accuracy": "share of pairs rightly told to be of one class or of two, each "
    "fold's with the threshold of the others",
    "verification_auc": "share of all (pair of one class, pair of two classes) in which the first "
    "has the higher score; 0.5 by chance, 1 at best",
    "verification_eer": "share of wrong decisions at the threshold that is as often wrong on pairs "
    "of one class as on pairs of two",
    **error_words.MEANINGS,
    **incremental_words.MEANINGS,
}
_SHOTS = re.compile(r"nshot_(clips_)?(\d+)_(?:(linear|rbf|nearest_mean)_)?accuracy")
_HEADS = {
    "linear": ("linear SVM", " by a linear SVM"),
    "rbf": ("RBF SVM", " by an SVM with an RBF kernel"),
    "nearest_mean": ("nearest mean", " by the nearest class mean"),
    None: ("accuracy", ""),
}
# explicit direction marks can make text read as something else than it is
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ufffe\uffff\ud800-\udfff]"
)


def visible(text: str) -> str:
    """Give ``text`` with control, direction and other invisible characters written as escapes.

    Tab and line feed stay; letters of every script stay.
    """
    return _INVISIBLE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def one_line(text: str, most: int = 120) -> str:
    """Make text :func:`visible`, white space runs one space, and cut to ``most`` letters."""
    line = " ".join(visible(text).split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "\u2026"


def is_percent(name: str) -> bool:
    """Whether a metric is a share that is shown in percent; ``val/`` before the name is allowed."""
    return _PERCENT.fullmatch(name.rsplit("/", 1)[-1]) is not None


def metric_label(name: str) -> str:
    """Say what people call the metric: ``recall_at_5`` is "top-5", ``map_at_r`` is "MAP@R".

    ``nshot_2_linear_accuracy`` is "2-shot, linear SVM", ``nshot_clips_5_rbf_accuracy`` is
    "5 clips, RBF SVM".
    """
    last = name.rsplit("/", 1)[-1]
    if last.startswith("recall_at_") and is_percent(last):
        return f"top-{last.removeprefix('recall_at_')}"
    if found := _SHOTS.fullmatch(last):
        shots = _many(found[2], "clip") if found[1] else f"{found[2]}-shot"
        return f"{shots}{', ' if found[3] else ' '}{_HEADS[found[3]][0]}"
    return _NAMES.get(last, last.replace("_", " "))


def metric_meaning(name: str) -> str:
    """One clause that says what the metric is; empty where the name says it all."""
    last = name.rsplit("/", 1)[-1]
    if last == "recall_at_1":
        return "share of queries whose nearest item is of the query's class"
    if last.startswith("recall_at_") and is_percent(last):
        k = last.removeprefix("recall_at_")
        return f"share of queries with an item of their class among the {k} nearest"
    if found := _SHOTS.fullmatch(last):
        shots = _many(found[2], "clip" if found[1] else "example")
        return f"share of items named rightly{_HEADS[found[3]][1]} from {shots} of each class"
    return _MEANINGS.get(last, "")


def _many(count: str, noun: str) -> str:
    """Write "1 clip", "5 clips"."""
    return f"{count} {noun}" if int(count) == 1 else f"{count} {noun}s"


def number(value: object) -> str:
    """Write integers with thin spaces, floats to four digits, nan and None as "-"."""
    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Integral):
        return f"{int(value):,}".replace(",", "\u2009")
    if not isinstance(value, Real):
        return str(value)
    real = float(value)
    if not math.isfinite(real):
        return NOTHING
    if real.is_integer() and abs(real) < 1e6:
        return number(int(real))
    digits, _, power = f"{real:.4g}".partition("e")
    return f"{digits}e{int(power)}" if power else digits


def metric_number(name: str, value: float | None, *, unit: bool = True) -> str:
    """Write a metric: percent metrics "58.3 %" (without the sign if not ``unit``), nan "-"."""
    if value is None or not is_percent(name) or not math.isfinite(value):
        return number(value)
    return f"{100 * value:.1f}" + ("\u00a0%" if unit else "")


def metric_interval(name: str, interval: tuple[float, float] | None) -> str:
    """Write "[52.1, 64.0]", or "-" where there is no interval or an end of it is not finite."""
    if interval is None or not all(math.isfinite(end) for end in interval):
        return NOTHING
    low, high = (metric_number(name, end, unit=False) for end in interval)
    return f"[{low}, {high}]"


def duration(seconds: float) -> str:
    """Write "8.2 s", "2 min 14 s", "3 h 05 min"; nan and negative values are "-"."""
    if not math.isfinite(seconds) or seconds < 0:
        return NOTHING
    if seconds < 59.95:
        return f"{seconds:.1f} s" if seconds >= 0.1 or seconds == 0 else f"{1000 * seconds:.2g} ms"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min"
