"""Judges a drawn problem from its question, figure and steps alone; the label is not looked at."""

# ruff: noqa: RUF001

from __future__ import annotations

import re
from fractions import Fraction

from tests.analysis.errorradar.right_programs import PROGRAMS, RIGHT_FACTS, right_formula

NUMBER = r"\d+(?:\.\d+)?"
SUM = re.compile(rf"((?:\(?{NUMBER}\)? [-+×÷] )+\(?{NUMBER}\)?) = ({NUMBER})")
GOALS = ("We need to find ", "I have to work out ", "The question asks for ", "Wanted: ")
STARTS = ("I know: ", "I use ", "Remember that ")


def calculate(text):
    """An own evaluator: products bind first, from left to right."""
    tokens = re.findall(rf"{NUMBER}|[-+×÷()]", text)

    def atom():
        token = tokens.pop(0)
        if token != "(":
            return Fraction(token)
        value = level(("+", "-"))
        assert tokens.pop(0) == ")"
        return value

    def level(signs):
        deeper = atom if signs == ("×", "÷") else lambda: level(("×", "÷"))
        value = deeper()
        while tokens and tokens[0] in signs:
            sign, other = tokens.pop(0), deeper()
            value = {
                "+": lambda a, b: a + b,
                "-": lambda a, b: a - b,
                "×": lambda a, b: a * b,
                "÷": lambda a, b: a / b,
            }[sign](value, other)
        return value

    value = level(("+", "-"))
    assert not tokens
    return value


class Judge:
    """Goes through the steps and keeps what the pupil knows by then."""

    def __init__(self, row):
        self.row = row
        self.plans = PROGRAMS[row["template"]](row)
        self.known = {**RIGHT_FACTS, **row["given"]}
        self.tails = {}

    def fill(self, plan):
        """The sum that is to be done now, with the pupil's own numbers."""
        if isinstance(plan, str):
            return re.sub(r"\[([^]]+)\]", lambda found: self.known[found[1]], plan)
        if plan[0] == "total":
            _, parts, things = plan
            so_far = f"sum of the first {len(parts) - 1} {things}"
            names = [so_far, parts[-1]] if so_far in self.known else parts
            return " + ".join(self.known[name] for name in names)
        head, words = plan
        tail = self.tails.get(head) or right_formula(self.row["template"], head)
        pattern = "|".join(rf"\b{word}\b" for word in sorted(words, key=len, reverse=True))
        return re.sub(pattern, lambda found: self.known[words[found[0]]], tail)

    def step(self, text):
        """(kind, label, verdict); the verdict is None for a right step."""
        assert text.endswith(".")
        text = text[:-1]
        found = SUM.search(text)
        if found:
            return self.compute(text, *found.groups())
        if " = " in text:
            return self.formula(text)
        goal = next((s for s in GOALS if text.startswith(s)), None)
        if goal:
            label = text.removeprefix(goal).removeprefix("the ")
            assert label in self.plans
            return "goal", label, None if label == self.row["asked"] else "MIS"
        label = longest(self.row["figure"], text)
        (value,) = re.findall(rf" is ({NUMBER})", text)
        self.known[label] = value
        return "read", label, None if value == self.row["figure"][label] else "VIS"

    def formula(self, text):
        for start in STARTS:
            text = text.removeprefix(start)
        head, tail = text.split(" = ")
        head = head[0].lower() + head[1:]
        if head in RIGHT_FACTS:
            self.known[head] = re.match(NUMBER, tail)[0]
            return "formula", head, None if self.known[head] == RIGHT_FACTS[head] else "KNOW"
        self.tails[head] = tail
        right = right_formula(self.row["template"], head)
        return "formula", head, None if tail == right else "KNOW"

    def compute(self, text, written, value):
        label = longest(self.plans, text.replace(f"{written} = {value}", ""))
        wanted = self.fill(self.plans[label])
        self.known[label] = value
        if written != wanted:
            assert calculate(written) != calculate(wanted)
            assert calculate(written) == Fraction(value)
            return "compute", label, "REAS"
        return "compute", label, None if calculate(written) == Fraction(value) else "CAL"

    def right_answer(self, label):
        """What is asked for, worked out from the figure by right formulas only."""
        judge = Judge(self.row)
        judge.known |= self.row["figure"]

        def know(name):
            if name in judge.known:
                return
            plan = self.plans[name]
            if isinstance(plan, str):
                needed = re.findall(r"\[([^]]+)\]", plan)
            elif plan[0] == "total":
                needed = plan[1]
            else:
                tail = right_formula(self.row["template"], plan[0])
                needed = [v for k, v in plan[1].items() if re.search(rf"\b{k}\b", tail)]
            for other in needed:
                know(other)
            exact = calculate(judge.fill(plan))
            judge.known[name] = decimal(exact)

        know(label)
        return judge.known[label]


def longest(labels, text):
    """The longest label that stands in a text, whatever the case of its first letter."""
    fitting = [k for k in labels if k in text or k[0].upper() + k[1:] in text]
    assert fitting, text
    return max(fitting, key=len)


def decimal(value):
    """A fraction as a decimal number; it must have an end."""
    for places in range(8):
        if (value * 10**places).denominator == 1:
            digits = f"{int(value * 10**places):0{places + 1}d}"
            return digits if not places else f"{digits[:-places]}.{digits[-places:]}"
    raise AssertionError(value)
