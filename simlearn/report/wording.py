"""How names and numbers read on the page and in figures."""

from __future__ import annotations

import math
import re
from numbers import Integral, Real

NOTHING = "-"
_PERCENT = re.compile(r"(recall_at_\d+|map_at_r|r_precision|mrr|(.*_)?accuracy)")
_NAMES = {"map_at_r": "MAP@R", "r_precision": "R-precision", "mrr": "MRR", "auc": "AUC"}
_MEANINGS = {
    "map_at_r": "mean over queries of the precision at each hit among the R nearest, R being "
    "how many items of the query's class there are",
    "r_precision": "share of the R nearest that are of the query's class",
    "mrr": "mean of 1 / rank of the first hit",
}
# explicit direction marks can make text read as something else than it is
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff]"
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
    """Say what people call the metric: ``recall_at_5`` is "top-5", ``map_at_r`` is "MAP@R"."""
    last = name.rsplit("/", 1)[-1]
    if last.startswith("recall_at_") and is_percent(last):
        return f"top-{last.removeprefix('recall_at_')}"
    return _NAMES.get(last, last.replace("_", " "))


def metric_meaning(name: str) -> str:
    """One clause that says what the metric is; empty where the name says it all."""
    last = name.rsplit("/", 1)[-1]
    if last == "recall_at_1":
        return "share of queries whose nearest item is of the query's class"
    if last.startswith("recall_at_") and is_percent(last):
        k = last.removeprefix("recall_at_")
        return f"share of queries with an item of their class among the {k} nearest"
    return _MEANINGS.get(last, "")


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
