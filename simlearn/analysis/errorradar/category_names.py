"""Kinds of errors that a text names: codes, full names and their synonyms."""

from __future__ import annotations

import re

from simlearn.analysis.errorradar.taxonomy import CATEGORIES

_SLIP = "(?:errors?|mistakes?|slips?|faults?|flaws?)"
_FIGURE = "(?:figure|image|diagram|picture|graph|chart|drawing)"
_TASK = "(?:question|problem|task|exercise)"
_OF = "(?:of )?(?:the |a )?"
_NAMES = {
    "VIS": (
        f"visual(?:ly)? (?:perception |perceptual |reading |recognition )?{_SLIP}",
        "visual perception",
        "visual mis(?:perception|reading|interpretation)",
        f"(?:perception|perceptual|vision) {_SLIP}",
        f"mis(?:read(?:s|ing)?|interpret(?:s|ed|ing|ation)?|understanding) {_OF}{_FIGURE}",
        "视觉(?:感知)?(?:错误|误差)",
    ),
    "CAL": (
        f"(?:calculation|computation|computational|arithmetic|arithmetical|numerical) {_SLIP}",
        f"{_SLIP} (?:in|of) (?:the |a )?(?:calculations?|computations?|arithmetic)",
        "miscalculat(?:ions?|es?|ed|ing)",
        "计算(?:错误|失误)",
    ),
    "REAS": (
        f"(?:reasoning|logical|logic|inference|deduction) (?:{_SLIP}|fallacy|fallacies)",
        f"{_SLIP} (?:in|of) (?:the )?(?:reasoning|logic)",
        "(?:faulty|flawed|improper) (?:reasoning|logic)",
        "(?:推理|逻辑)(?:错误|失误)",
    ),
    "KNOW": (
        f"(?:knowledge|conceptual|concept) (?:{_SLIP}|gaps?|deficiency|misunderstanding)",
        f"{_SLIP} (?:in|of) (?:the )?knowledge",
        "misconceptions?",
        "lack of (?:[a-z]+ )?knowledge",
        "(?:知识|概念)(?:性)?错误",
    ),
    "MIS": (
        f"mis(?:interpretation|understanding) (?:{_SLIP}|{_OF}{_TASK})",
        "misinterpretation(?! of)",
        f"mis(?:interpret(?:s|ed|ing)?|underst(?:ands?|ood)|read(?:s|ing)?) {_OF}{_TASK}",
        f"{_TASK} mis(?:reading|understanding|comprehension)",
        f"(?:comprehension|interpretation) {_SLIP}",
        "(?:审题|题意理解|理解题意)(?:错误|失误)|误解题意",
    ),
}
"""Patterns in lower case; the first that fits at a place counts, in the order of the kinds."""
_WORDS = {
    "VIS": "visual perception, perception, visual, vision, perceptual, 视觉感知",
    "CAL": "calculation, computation, arithmetic, calculating, computational, 计算",
    "REAS": "reasoning, logic, logical, inference, deduction, 推理, 逻辑",
    "KNOW": "knowledge, conceptual, concept, concepts, 知识, 概念",
    "MIS": "misinterpretation, misunderstanding, misreading, interpretation, comprehension, 审题",
}
"""Words too common to count in a sentence; only where nothing else is said."""

GAP = "[\\s_*`\"'-]{1,4}"
_STEM = re.compile(
    "error|mistake|slip|fault|flaw|mis|percept|fallac|knowledge|gap|concept|错|失误|题意"
)
KINDS = "|".join(f"(?P<{code}>{'|'.join(names)})" for code, names in _NAMES.items())
_NAME = re.compile(f"(?<![a-z])(?:{KINDS})(?![a-z])".replace(" ", GAP))
_CODE = re.compile(
    r"(?<![A-Za-z0-9])(?:VIS|CAL|REAS|MIS|(?<!NOT )(?<!'T )(?<!\bI )(?<!TO )(?<!YOU )(?<!WE )KNOW)"
    r"(?![A-Za-z0-9])"
)
_ALONE_WORDS = {
    **{code.lower(): code for code in CATEGORIES},
    **{word: code for code, words in _WORDS.items() for word in words.split(", ")},
}
_ALONE = re.compile(
    r"[\W_]*(?:(?:(?:the|a|an|my|final|error|mistake|first)\s+){0,4}"
    r"(?:category|type|kind|class|code|answer|error|mistake)(?:\s+of\s+(?:the\s+)?(?:error|mistake))?"
    r"(?:\s+(?:is|was))?(?:\s+an?)?(?:[\s_:=*`\"'>-]+|$))?(?:(?:step[\W_]*)?[0-9]{1,3}[\W_]+)?"
    f"({'|'.join(sorted(_ALONE_WORDS, key=len, reverse=True))})(?:{GAP}{_SLIP})?[\\W_]*"
)
_LEADING_CODE = re.compile(r"[\W_]*(vis|cal|reas|know|mis)[\s*`]*(?:[:(,;]|-\s|\u2013|\u2014)")


def named_categories(text: str) -> list[str]:
    """The kinds of errors that a text names, in no order, some perhaps twice.

    Codes in capitals, full names and synonyms that cannot mean anything else, whole words only:
    "calculation error", "arithmetic slip", "misread the diagram", "计算错误"; not "calculation"
    alone, nor a code in lower case. Negations are not understood.
    """
    found = _CODE.findall(text)
    low = text.lower()
    if _STEM.search(low):
        found += [str(match.lastgroup) for match in _NAME.finditer(low)]
    return found


def lone_category(line: str) -> list[str]:
    """The kind of a line that says nothing else: "know", "Category: calculation", "3, mis"."""
    if len(line) > 80:
        return []
    match = _ALONE.fullmatch(line.lower())
    return [_ALONE_WORDS[match[1]]] if match else []


def value_categories(text: str) -> list[str]:
    """The kinds that a JSON value or a box names: also a code in lower case that it begins with."""
    found = named_categories(text) or lone_category(text)
    if not found and (match := _LEADING_CODE.match(text[:80].lower())):
        return [match[1].upper()]
    return found
