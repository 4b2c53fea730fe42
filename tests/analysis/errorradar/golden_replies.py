"""Replies as models write them, and what is to be read from them (7 steps where no n is given)."""

from __future__ import annotations

from typing import NamedTuple


class Golden(NamedTuple):
    """A reply; value and rule of its step; value and rule of its category."""

    reply: str
    step: int | None
    step_rule: str
    category: str | None
    category_rule: str
    n: int = 7
    none: bool = False


NONE = (None, "none found")
TWO = (None, "two answers")
OUT = (None, "out of range")
LONG = (
    "Let me go through each step:\n1. The base is 12, as in the figure.\n2. 12 x 5 = 50 is not "
    "right, it is 60.\n"
)
ECHO = (
    "Question: How long is AB?\nStudent's steps:\n1. a\n2. b\n\nFind the FIRST wrong step and the "
    "kind of error that is made in it. The kinds are:\n- VIS: visual perception error (...)\n"
    "- CAL: calculation error (...)\n\nReply only with one JSON object:\n"
    '{"step": <number>, "category": "<one of VIS, CAL, REAS, KNOW, MIS>"}'
)

GOLDEN = [
    # what was asked for
    Golden('{"step": 3, "category": "CAL"}', 3, "json", "CAL", "json"),
    Golden("Step 3", 3, "last line", *NONE),
    Golden("CAL", *NONE, "CAL", "last line"),
    Golden("Step 3, CAL", 3, "last line", "CAL", "last line"),
    Golden("3 CAL", 3, "last line", "CAL", "last line"),
    Golden("3", 3, "last line", *NONE),
    # JSON
    Golden('```json\n{"step": 4, "category": "REAS"}\n```', 4, "json", "REAS", "json"),
    Golden('```\n{"step": "4", "category": "reas"}\n```', 4, "json", "REAS", "json"),
    Golden('Here it is: {"step": "Step 2", "category": "mis"}.', 2, "json", "MIS", "json"),
    Golden('{"step": [5], "category": ["know"]}', 5, "json", "KNOW", "json"),
    Golden('{"step": [5, 6], "category": ["CAL", "VIS"]}', *TWO, *TWO),
    Golden('{"step": [], "category": []}', *NONE, *NONE),
    Golden(
        '{"first_error_step": 2, "step": 6, "error_type": "Logical error"}',
        2,
        "json",
        "REAS",
        "json",
    ),
    Golden('{"firstErrorStep": 2, "errorCategory": "Calculation Error"}', 2, "json", "CAL", "json"),
    Golden('{"answer": {"step": 3.0, "category": "visual"}}', 3, "json", "VIS", "json"),
    Golden('{"answer": "Step 3", "type": "plane_geometry"}\nCAL', 3, "json", "CAL", "last line"),
    Golden('[{"step": 1, "ok": true}, {"step": 2, "ok": false}]', *TWO, *NONE),
    Golden('{"step": 9, "category": "geometry"} or step 3, CAL', *OUT, *NONE),
    Golden('{"step": 2.5, "category": "B"}', *NONE, *NONE),
    Golden('{"step": true, "category": null}', *NONE, *NONE),
    Golden('{"step": -1, "category": "KNOW"}', *OUT, "KNOW", "json"),
    Golden('{"step": "third", "category": "knowledge_error"}', 3, "json", "KNOW", "json"),
    Golden(
        '{"step": 3, "category": "CAL"} {"step": 3, "category": "CAL"}', 3, "json", "CAL", "json"
    ),
    Golden('{"step": 3, "category": "CAL"} {"step": 4, "category": "VIS"}', *TWO, *TWO),
    Golden('{"step": 3, "category": "CAL",}', 3, "last line", "CAL", "last line"),
    Golden("{'step': 3, 'category': 'CAL'}", 3, "last line", "CAL", "last line"),
    Golden('{"step": 3, "category": "REA', 3, "last line", *NONE),
    Golden('{\n  "step": 3,\n  "category": "VIS",\n}', 3, "only step", "VIS", "last line"),
    Golden('{"step": "3/7", "category": "MIS (misread the question)"}', 3, "json", "MIS", "json"),
    Golden('{"error": {"step": 6, "code": "know"}}', 6, "json", "KNOW", "json"),
    Golden('{"category": "calculation"} in step 5', 5, "last line", "CAL", "json"),
    Golden('{"step": Infinity, "category": 3}', *NONE, *NONE),
    # boxed
    Golden(r"The answer is $\boxed{3}$.", 3, "boxed", *NONE),
    Golden(r"\boxed{\text{Step } 4}", 4, "boxed", *NONE),
    Golden(r"So \boxed{3} and \boxed{\text{CAL}}.", 3, "boxed", "CAL", "boxed"),
    Golden(r"\boxed{\textbf{know}}", *NONE, "KNOW", "boxed"),
    Golden(r"\boxed{45}, so step 3 is wrong", *TWO, *NONE),
    Golden(r"Step 3 is wrong, the right value is $\boxed{5}$.", *TWO, *NONE),
    Golden("Step 3 is wrong.\n\n" + r"\boxed{3}", 3, "boxed", *NONE),
    Golden(r"\boxed{45}", *OUT, *NONE),
    Golden(r"\boxed{2} and \boxed{5}", *TWO, *NONE),
    Golden(r"\boxed{x = 12} so the error is in step 6", 6, "last line", *NONE),
    Golden("<|begin_of_box|>Step 2<|end_of_box|>", 2, "boxed", *NONE),
    Golden(r"\boxed{3", 3, "only number", *NONE),
    # the last line
    Golden("**Step 3**", 3, "last line", *NONE),
    Golden("### Step #3", 3, "last line", *NONE),
    Golden("Step: 3.", 3, "last line", *NONE),
    Golden("step_3", 3, "last line", *NONE),
    Golden("Step <3>, <CAL>", 3, "last line", "CAL", "last line"),
    Golden("(3)", 3, "last line", *NONE),
    Golden("3.", 3, "last line", *NONE),
    Golden("3/7", 3, "last line", *NONE),
    Golden("Step 3/7", 3, "last line", *NONE),
    Golden("Step 3 of 7", 3, "last line", *NONE),
    Golden("Step No. 5", 5, "last line", *NONE),
    Golden("step number is 5", 5, "last line", *NONE),
    Golden("Step three", 3, "last line", *NONE),
    Golden("The third step is wrong.", 3, "last line", *NONE),
    Golden("The first step with an error is step 4.", 4, "last line", *NONE),
    Golden("The mistake is in the first step.", 1, "last line", *NONE),
    Golden("the 3rd step", 3, "last line", *NONE),
    Golden("Third", 3, "last line", *NONE),
    Golden("Final answer: 6", 6, "last line", *NONE),
    Golden("Steps 2 and 3", *TWO, *NONE),
    Golden("Step 2 or 3", *TWO, *NONE),
    Golden("Steps 2-4 are wrong", *TWO, *NONE),
    Golden("Step 2.5", *NONE, *NONE),
    Golden("2.5", *NONE, *NONE),
    Golden("Step 0", *OUT, *NONE),
    Golden("Step 0", 0, "last line", *NONE, none=True),
    Golden('{"step": null}', 0, "json", *NONE, none=True),
    Golden('{"step": "none", "category": "none"}', 0, "json", *NONE, none=True),
    Golden("Step -1", *OUT, *NONE),
    Golden("Step - 3", 3, "last line", *NONE),
    Golden("Step 8", *OUT, *NONE),
    Golden("Step 8", 8, "last line", *NONE, n=8),
    Golden("Step 99999999999999999999", *OUT, *NONE),
    Golden("which step? 3", 3, "last line", *NONE),
    Golden("Step 3, because step 2 is right", *TWO, *NONE),
    Golden(LONG + "\nSo the first wrong step is **Step 2**.", 2, "last line", *NONE),
    Golden(LONG + "\nAnswer: **2** (CAL)\n\n---\n", 2, "last line", "CAL", "last line"),
    Golden(LONG + "The error type is: calculation error.", *TWO, "CAL", "last line", n=12),
    # the whole reply
    Golden("Step 5 is wrong.\nThe area must be halved.", 5, "only step", *NONE),
    Golden(
        "**Step 5** (REAS)\n\nThe area must be halved.", 5, "only step", "REAS", "only category"
    ),
    Golden("Step 5 is wrong.\nStep 4 is right.\nThat is all.", *TWO, *NONE),
    Golden("Step 12.\nThat is all.", *OUT, *NONE),
    Golden("I would say 4 it is", 4, "only number", *NONE),
    Golden("It says 12 x 5 = 50, which is not so", *NONE, *NONE),
    Golden("It is line 4 of 12", 4, "only number", *NONE),
    Golden("Either 4 or 5", *TWO, *NONE),
    Golden("There are 1,000 reasons", *OUT, *NONE),
    # kinds
    Golden("CAL (calculation error)", *NONE, "CAL", "last line"),
    Golden("Category: reasoning", *NONE, "REAS", "last line"),
    Golden("The error category is **Knowledge**.", *NONE, "KNOW", "last line"),
    Golden("This is an arithmetic mistake.", *NONE, "CAL", "last line"),
    Golden("The student misreads the diagram.", *NONE, "VIS", "last line"),
    Golden("He misunderstood the question.", *NONE, "MIS", "last line"),
    Golden("misinterpretation of the figure", *NONE, "VIS", "last line"),
    Golden("Misinterpretation of the question", *NONE, "MIS", "last line"),
    Golden("It is a conceptual misunderstanding", *NONE, "KNOW", "last line"),
    Golden("The reasoning is right but the calculation is not.", *NONE, *NONE),
    Golden("Not a calculation error but a reasoning error", *NONE, *TWO),
    Golden("CAL or VIS", *NONE, *TWO),
    Golden("know", *NONE, "KNOW", "last line"),
    Golden("I know that it is mis", *NONE, *NONE),
    Golden("I DO NOT KNOW", *NONE, *NONE),
    Golden("B", *NONE, *NONE),
    Golden("CALCULATOR", *NONE, *NONE),
    Golden("VISUAL_PERCEPTION_ERROR", *NONE, "VIS", "last line"),
    Golden("One of VIS, CAL, REAS, KNOW, MIS", *NONE, *TWO),
    # thinking
    Golden("<think>Step 2? CAL?</think>\n\nStep 4\nVIS", 4, "only step", "VIS", "last line"),
    Golden("<think>\nStep 2 is wrong. So CAL", None, "empty", None, "empty"),
    Golden("Hm, step 2, CAL\n</think>\nStep 4, VIS", 4, "last line", "VIS", "last line"),
    Golden("<think>a</think>Step 4<THINKING>step 5</THINKING>", 4, "last line", *NONE),
    Golden("<reasoning>step 1</reasoning><answer>Step 4</answer>", 4, "last line", *NONE),
    Golden("\u25c1think\u25b7step 1\u25c1/think\u25b7Step 4", 4, "last line", *NONE),
    Golden("[THINK]step 1[/THINK]Step 4", 4, "last line", *NONE),
    # what models say around it
    Golden("Step 5 is wrong.\nStep 4 is right.", *TWO, *NONE),
    Golden("Step 4 is correct.", *NONE, *NONE),
    Golden("Step 7: 35 + 11 = 46 \u2713", *NONE, *NONE),
    Golden("There is no error in step 2.", *NONE, *NONE),
    Golden("All steps are correct up to step 4.", *NONE, *NONE),
    Golden("Step 4 is the last correct step.", *NONE, *NONE),
    Golden("The first 4 steps are correct.", *NONE, *NONE),
    Golden("Step 3. The correct value is 60.", 3, "last line", *NONE),
    Golden("Step 3: right would be 60.", 3, "last line", *NONE),
    Golden("**Step 3**\n\nThe correct area is 60.", 3, "only step", *NONE),
    Golden("**Step 3** (CAL)\n\nStep 4 then uses it.", *TWO, "CAL", "only category"),
    Golden("### Step 2:\nso\n### Step 4:\nso\nIt is step 4", 4, "last line", *NONE),
    Golden("Step 3\n\n6", *TWO, *NONE),
    Golden("Step 1: fine\nStep 2: fine\n\n0", 0, "last line", *NONE, none=True),
    Golden("Step 1 is right, " + r"\boxed{0}", 0, "boxed", *NONE, none=True),
    Golden("Step 1: fine\nStep 2: wrong\n\n2", 2, "last line", *NONE),
    Golden("Step 3\nThe answer is 4.", *TWO, *NONE),
    Golden("The student should have got 5 kg.", *NONE, *NONE),
    Golden("It costs $5, or \\$5, or 5 dollars", *NONE, *NONE),
    Golden("So it is $5$ here", 5, "only number", *NONE),
    Golden('{"step": "The number of corners is 6", "category": "VIS"}', *NONE, "VIS", "json"),
    Golden('{"step": "3. 12 x 5 = 50", "category": "CAL"}', 3, "json", "CAL", "json"),
    Golden('{"step": "line 4"}', 4, "json", *NONE),
    Golden("MIS\nThis is not a calculation error.", *NONE, *TWO),
    Golden("It is no calculation error.", *NONE, *NONE),
    Golden("It isn't CAL.", *NONE, *NONE),
    Golden('{"category": "not a calculation error"}', *NONE, *NONE),
    Golden("The error is MIS rather than REAS.", *NONE, *TWO),
    Golden("CAL\n\nThe student misread the figure.", *NONE, *TWO),
    Golden("VIS:\nno\nREAS:\nyes, REAS", *NONE, "REAS", "last line"),
    # HTML, other scripts, refusals, garbage
    Golden("<p>Step <b>4</b></p><br/><i>REAS</i>", 4, "only step", "REAS", "last line"),
    Golden("Step&nbsp;4&#44; CAL<|im_end|></s>", 4, "last line", "CAL", "last line"),
    Golden("<script>alert(1)</script>", 1, "only number", *NONE),
    Golden("第一个错误的步骤是步骤3\uff0c计算错误。", 3, "last line", "CAL", "last line"),
    Golden("第三步错了", 3, "last line", *NONE),
    Golden("第十二步", 12, "last line", *NONE, n=20),
    Golden("答案\uff1a\uff15", 5, "last line", *NONE),
    Golden('{"步骤": 3, "错误类型": "计算错误"}', 3, "json", "CAL", "json"),
    Golden("Step ③", 3, "last line", *NONE),
    Golden("Step ٤", 4, "last line", *NONE),
    Golden("I'm sorry, but I cannot see the image.", *NONE, *NONE),
    Golden("As an AI I can't help with that.", *NONE, *NONE),
    Golden("", None, "empty", None, "empty"),
    Golden(" \n\t", None, "empty", None, "empty"),
    Golden("```\n```", None, "empty", None, "empty"),
    Golden("...", *NONE, *NONE),
    Golden("\x00\ud800\x1b[31m", *NONE, *NONE),
    Golden("the the the the the", *NONE, *NONE),
    Golden(ECHO, *TWO, *TWO),
    Golden(ECHO + '\n{"step": 2, "category": "KNOW"}', 2, "json", "KNOW", "json"),
    Golden(ECHO + "\nStep 2, KNOW", 2, "last line", "KNOW", "last line"),
]
