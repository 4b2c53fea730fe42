"""Steps that a text names: "Step 3", "the third step", "第3步", or bare whole numbers."""

from __future__ import annotations

import re

NO_STEP = -1
"""Stands for every number that no step can have: negative ones and those of over nine digits."""

CARDINALS = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty"
)
_ORDINALS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth "
    "fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
)
_WORDS = {w: k for words in (CARDINALS, _ORDINALS) for k, w in enumerate(words.split(), 1)}
_CHINESE = {sign: k for k, sign in enumerate("一二三四五六七八九十", 1)}

_MARKS = r"[ \t_*`#:=?()\[\]{}\"'$\\~<>\-]{0,8}"
_AFTER = re.compile(
    rf"step(s|\(s\))?{_MARKS}(?:(?:(?:is|was|number|no\.?|nr\.?|num){_MARKS}){{0,2}}"
    rf"([0-9]++)(?!\.[0-9]|[a-z])|(?:number )?({CARDINALS.replace(' ', '|')})\b)"
)
_BEFORE = re.compile(
    rf"(?:([0-9]++)(?:st|nd|rd|th)|({_ORDINALS.replace(' ', '|')})){_MARKS}step(?![a-z])"
)
_MORE = re.compile(r"(?:\s+(?:and|or|&)\s+|[,\-\u2013])([0-9]++)(?!\.[0-9]|[a-z])")
_MORE_OF_SEVERAL = re.compile(
    r"(?:\s*(?:,|;|&|/|\band\b|\bor\b|\bto\b|\bthrough\b|[-\u2013\u2014])\s*)+"
    r"([0-9]++)(?!\.[0-9]|[a-z])"
)
_CHINESE_STEP = re.compile(
    r"第\s*([0-9]++|[一二三四五六七八九十]{1,3})\s*[个個]?\s*步"
    r"|步[骤驟]\s*[:#(]?\s*([0-9]++|[一二三四五六七八九十]{1,3})"
)
_ALONE = re.compile(
    r"[\W_]*(?:(?:[a-z']+\s+){0,4}(?:answer|output|prediction)(?:\s+is)?[\W_]*|答案[是为為]?[\W_]*)?"
    rf"(?:([0-9]+)(?:\s*/\s*[0-9]+|st|nd|rd|th)?|({'|'.join(_WORDS)}))"
    r"[\W_]*(?:vis|cal|reas|know|mis)?[\W_]*"
)
_NUMBER = re.compile(r"(?<![A-Za-z0-9_^.])(-?)([0-9]++(?:[.,/][0-9]++)*)(?![A-Za-z0-9_])")
_THOUSANDS = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+")
_SIGN = "=+/^\u00d7\u00f7\u00b7\u221a\u2248\u2264\u2265"
_SIGN_BEFORE = re.compile(rf"(?:[{_SIGN}]|[0-9)]\s*[*-]|(?<![A-Za-z])[xX])\s*$")
_SIGN_AFTER = re.compile(rf"\s{{0,3}}(?:[{_SIGN}%\u00b0]|[*xX-]\s{{0,3}}[0-9(])")
_UNIT_AFTER = re.compile(
    r"\s?(?:[cdkm]?m|[km]?g|m?l|h|min|cents?|dollars?|euros?|(?:centi|kilo|milli)?met(?:er|re)s?"
    r"|(?:kilo)?grams?|lit(?:er|re)s?|degrees?|hours?|minutes?|seconds?|days?|nights?|points?"
    r"|units?|percent|times|steps)(?![A-Za-z])"
)
_TOLD = re.compile(
    r"[\W_]*(?:answer[\W_]*)?step[\W_]{0,8}([0-9]{1,9})[\W_]*(?:vis|cal|reas|know|mis)?[\W_]*"
)


def named_steps(text: str) -> list[int]:
    """The numbers of the steps that a text names, in no order, some perhaps twice.

    A number or an English number word up to twenty after "step" ("Step #3", "step_3", "step is 3",
    "step two", "Steps 2 and 3", "steps 2-4": both ends), an ordinal before it ("3rd step"), and
    Chinese ("步骤3", "第三步"). "First step" counts only where no other step is named: "the first
    step with an error is step 3" names 3. In "step 3/7" and "step 3 of 7" the 7 counts for nothing.
    A decimal ("step 2.5") is no step.
    """
    low = text.lower()
    found: list[int] = []
    first = False
    if "step" in low:
        for match in _AFTER.finditer(low):
            found += _after(low, match)
        for match in _BEFORE.finditer(low):
            if match.start() and (
                low[match.start() - 1].isalnum() or low[match.start() - 1] == "-"
            ):
                continue  # "twenty-first step"
            number = _number(match[1]) if match[1] else _WORDS[match[2]]
            first = first or number == 1
            found += [number] if number != 1 else []
    if "步" in low:
        for match in _CHINESE_STEP.finditer(low):
            number = _chinese(match[1] or match[2])
            first = first or (number == 1 and bool(match[1]))
            found += [number] if number != 1 or match[2] else []
    return [1] if first and not found else found


def lone_step(line: str) -> list[int]:
    """The number of a line that says nothing else: "3", "(3).", "Answer: third", "3 CAL"."""
    if len(line) > 80:
        return []
    low = line.lower()
    match = _ALONE.fullmatch(low)
    if match is None:
        return []
    if match[2]:
        return [_WORDS[match[2]]]
    return [NO_STEP if _is_negative(low, match.start(1)) else _number(match[1])]


def whole_numbers(text: str, n_steps: int) -> list[int]:
    """Whole numbers that stand alone, in order.

    Not: parts of decimals ("2.5"; but "3.0" is 3), fractions (but "3/7" is 3 where there are 7
    steps), percentages, words ("x3"), numbers beside a sign of arithmetic ("12 x 5 = 60"), sums of
    money and what has a unit ("5 kg", "$5"), and how many steps there are ("4 steps").

    Args:
        text: of a reply.
        n_steps: how many steps there are.
    """
    found: list[int] = []
    for match in _NUMBER.finditer(text):
        if _is_arithmetic(text, match.start(), match.end()) or _has_unit(text, *match.span()):
            continue
        numbers = _split(match[2], n_steps)
        found += [NO_STEP] * len(numbers) if match[1] else numbers
    return found


def told_step(line: str) -> list[int]:
    """The number of a line that is nothing but "Step 3", of "**Step 3** (CAL)" too; else none.

    "Step 3:" is the heading of what follows, and so may "Step 1" be: they tell nothing.
    """
    low = line[:81].lower()
    match = _TOLD.fullmatch(low) if "step" in low and len(low) <= 80 else None
    if match is None or low.rstrip("*_ \t").endswith(":") or _number(match[1]) == 1:
        return []
    return [_number(match[1])]


def _after(low: str, match: re.Match[str]) -> list[int]:
    """The steps of "step 3", and those that follow it in "steps 2, 3 and 4"."""
    if match[3]:
        return [_WORDS[match[3]]]
    found = [NO_STEP if _is_negative(low, match.start(2)) else _number(match[2])]
    pattern, at = (_MORE_OF_SEVERAL if match[1] else _MORE), match.end()
    while more := pattern.match(low, at):
        found.append(_number(more[1]))
        at = more.end()
    return found


def _is_negative(low: str, at: int) -> bool:
    """Whether a minus sign stands before the number at ``at``, and not a dash or a bullet."""
    return at > 0 and low[at - 1] == "-" and (at == 1 or low[at - 2] in " \t:=\"'([{$")


def _is_arithmetic(text: str, start: int, end: int) -> bool:
    """Whether a number stands beside a sign of arithmetic."""
    before = text[max(0, start - 6) : start]
    return bool(_SIGN_BEFORE.search(before) or _SIGN_AFTER.match(text, end))


def _has_unit(text: str, start: int, end: int) -> bool:
    """Whether a number is an amount: "5 kg", "$5" (but "$5$" is a formula with nothing else)."""
    if _UNIT_AFTER.match(text, end):
        return True
    before = text[max(0, start - 2) : start].rstrip(" ")
    if before.endswith("\\$") or before[-1:] in ("\u20ac", "\u00a3", "\u00a5"):
        return True
    return before.endswith("$") and not text[end : end + 2].lstrip().startswith("$")


def _split(number: str, n_steps: int) -> list[int]:
    """A number's parts that may be steps: "2,3" is two, "1,000" one, "2.5" none, "3/7" perhaps."""
    if number.isdigit():
        return [_number(number)]
    if _THOUSANDS.fullmatch(number):
        return [_number(number.replace(",", ""))]
    if "," in number:
        return [k for part in number.split(",") for k in _split(part, n_steps)]
    whole, _, rest = number.partition("/")
    if rest:
        fits = whole.isdigit() and rest.isdigit() and _number(rest) == n_steps
        return [_number(whole)] if fits else []
    whole, _, rest = number.partition(".")
    return [_number(whole)] if not rest.strip("0") else []


def _number(digits: str) -> int:
    """Digits as a number; of very many only that no step has it."""
    digits = digits.lstrip("0") or "0"
    return int(digits) if len(digits) <= 9 else NO_STEP


def _chinese(sign: str) -> int:
    """三 is 3, 十二 is 12, 二十 is 20, 二十一 is 21."""
    if sign[0] in "0123456789":
        return _number(sign)
    tens, ten, ones = sign.rpartition("十")
    if not ten:
        return _CHINESE[sign] if len(sign) == 1 else NO_STEP
    if len(tens) > 1 or len(ones) > 1:
        return NO_STEP
    return 10 * _CHINESE.get(tens, 1) + _CHINESE.get(ones, 0)
