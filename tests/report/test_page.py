from __future__ import annotations

import math
import re
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.report import FigureImage, Metric, Report, Table, render_page
from simlearn.report.page import flat
from tests.report.report_parts import SVG, Page, figures, make_report

HOSTILE = (
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "]]><svg onload=alert(1)>",
    "{{7*7}}{% raw %}{# x #}",
    "--><style>*{display:none}</style></title></pre></style>",
    "\u202eevil\u2066\x00\ud800",
    "javascript:alert(1)",
    "http://evil.example/x.png",
)


def filled(text: str) -> Report:
    """A report with ``text`` in every field that takes free text."""
    metric = Metric(0.5, 9, (0.4, 0.6), True)
    return make_report(
        recipe=text,
        card={"claim": text, "paper": text, text: text, "needs": {text: [text]}, "published": text},
        metrics={text: metric},
        baselines={
            text: {text: metric},
            f"pixels{text}": {text: metric},
            "untrained": {text: metric},
        },
        train={text: text},
        protocol={text: {text: text}},
        seconds={text: 1.0},
        tables=(Table(text, (text,), ((text,),), note=text),),
        figures=(
            FigureImage("a", text, text, svg=SVG, caption=text),
            FigureImage("b", text, text, png=figures()[3].png, caption=text),
        ),
        config=text,
        environment={text: [text], "command": [text]},
        notes=(text,),
        subject=text,
        work=text,
    )


def skeleton(html: str) -> list[tuple[str, tuple[str, ...]]]:
    """Elements and the names of their attributes, in order."""
    page = Page(html)
    assert page.faults == []
    return [(tag, tuple(attributes)) for tag, attributes in page.elements]


PLAIN = skeleton(render_page(filled("plain")))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text_in_every_field(text):
    html = render_page(filled(text))
    assert skeleton(html) == PLAIN
    for piece in ("<script", "<img src=x", "<style>*", "onload=alert(1)>", "onerror=alert(1)>"):
        assert piece not in html
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00\ud800]", html)
    html.encode("utf-8")


def test_template_syntax_is_shown_as_it_is():
    words = Page(render_page(filled("{{7*7}}"))).words()
    assert words.count("{{7*7}}") >= 20
    assert not re.search(r"\b49\b", words)
    assert Page(render_page(filled("a\u202eb"))).words().count("a\\u202eb") >= 20


@settings(max_examples=25, deadline=None)
@given(st.text(st.characters(exclude_categories=()), min_size=1, max_size=30))
def test_no_text_whatever_changes_the_page_around_it(text):
    if not text.strip() or text in ("claim", "paper", "needs", "published", "smoke", "command"):
        text = f"x{text}x"
    assert skeleton(render_page(filled(text))) == PLAIN


@pytest.fixture(scope="module")
def whole() -> Page:
    return Page(render_page(make_report(figures=figures())))


def test_the_page_is_balanced_and_has_one_of_what_there_must_be_one_of(whole):
    assert whole.faults == []
    for tag in ("html", "head", "title", "body", "main", "h1"):
        assert len(whole.all(tag)) == 1, tag
    assert whole.all("html")[0]["lang"] == "en"
    ids = [a["id"] for _, a in whole.elements if "id" in a]
    assert len(ids) == len(set(ids))


def test_nothing_is_asked_from_outside(whole):
    for tag, attributes in whole.elements:
        for name in ("src", "href", "xlink:href", "srcset", "action", "data", "poster"):
            value = attributes.get(name) or "#"
            assert value.startswith(("#", "data:image/png;base64,")), (tag, name, value[:60])
        assert tag not in ("script", "link", "iframe", "object", "embed", "base", "form")
        assert not any(name.startswith("on") for name in attributes)
        assert "url(http" not in (attributes.get("style") or "")
    policy = [a["content"] for a in whole.all("meta") if a.get("http-equiv")]
    assert policy[0].startswith("default-src 'none'; img-src data:;")


def test_inner_links_have_a_target(whole):
    ids = {a["id"] for _, a in whole.elements if "id" in a}
    links = [a["href"] for tag, a in whole.elements if tag in ("a", "use")]
    assert len(links) > 9
    assert {link[1:] for link in links} <= ids


def test_every_picture_has_words(whole):
    assert [a["alt"] for a in whole.all("img")] == [figures()[3].alt]
    assert len(whole.all("svg")) == 3
    assert all(a["aria-label"] and a["role"] == "img" for a in whole.all("svg"))
    assert whole.all("img")[0]["width"] == "1600"


def test_headings_do_not_skip_a_level(whole):
    levels = [int(tag[1]) for tag, _ in whole.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))


def test_figures_come_in_the_pages_order(whole):
    names = [a["id"] for a in whole.all("figure")]
    assert names == ["figure-retrieval", "figure-cmc", "figure-curves", "figure-other"]


def test_the_first_number_stands_beside_the_untrained_network_and_the_best_pixels(whole):
    words = whole.words()
    assert "top-1 58.3 % [52.1, 64.0] 95 % interval" in words
    assert "n = 320" in words
    assert "best pixel baseline (pixels mean) 23.4 %" in words
    assert "untrained network 20.0 % [10.0, 30.0]" in words
    bars = [a["style"] for a in whole.all("div") if a.get("class") == "fill"]
    assert bars == ["width:58.3%", "width:23.4%", "width:20.0%"]
    assert "left:52.1%;width:11.9%" in [a.get("style") for a in whole.all("div")]


def test_a_stream_s_first_number_is_its_accuracy_on_all_classes():
    half, better = Metric(0.5, 40, (0.4, 0.6), True), Metric(0.625, 40, None, True)
    report = make_report(
        metrics={"recall_at_1": half, "omega_all": half, "ncm_all": better},
        baselines={"untrained": {"ncm_all": half}, "pixels": {"ncm_all": half}},
        figures=tuple(
            FigureImage(name, "t", "a", svg=SVG)
            for name in ("curves", "embedding", "accuracy_matrix", "forgetting")
        ),
    )
    page = Page(render_page(report))
    assert "nearest class mean, all classes 62.5 % share of test images" in page.words()
    assert "untrained network 50.0 % [40.0, 60.0]" in page.words()
    names = [a["id"].removeprefix("figure-") for a in page.all("figure")]
    assert names == ["forgetting", "accuracy_matrix", "embedding", "curves"]


def test_every_part_is_said(whole):
    words = whole.words()
    report = make_report()
    for piece in (
        "Clips beat stills.",
        "paper A paper",
        "published top-1: not readable",
        "needs minutes: 3",
        "MAP@R mean over queries",
        "map_at_r",
        "batches without triplets 4",
        "train 2 min 14 s",
        "split.test 0.2",
        "ks 1, 5",
        report.to_json()["protocol"]["fingerprint"],
        "Mind the light.",
        "python 3.12",
        "command train 'a b'",
        "seed: 3",
        "dim 50.0 %",
        "dark -",
    ):
        assert piece in words, piece
    assert "max_steps" not in words
    assert "nan" not in words.lower()


@pytest.mark.parametrize(
    ("changes", "present"),
    [
        ({"metrics": {}, "baselines": {}}, "No test metric was recorded"),
        ({"card": {}}, "top-1"),
        ({"card": {"paper": "P"}}, "published not readable"),
        ({"card": {"published": {"recall_at_1": 0.912, "n": 5}}}, "top-1: 91.2 %, n: 5"),
        ({"baselines": {}}, "this network 58.3 %"),
        (
            {"baselines": {"pixels": {"recall_at_1": Metric(0.1, 3, None, True)}}},
            "pixel baseline 10",
        ),
        ({"metrics": {"omega_all": Metric(0.9, 5, None, True)}}, "omega all 0.9"),
        ({"metrics": {"eer": Metric(0.1, 5, None, False)}}, "lower is better"),
        ({"metrics": {"recall_at_1": Metric(math.nan, 0, None, True)}}, "top-1 -"),
        ({"environment": {}, "config": "", "notes": (), "train": {}, "seconds": {}}, "Protocol"),
        ({"protocol": {}, "tables": ()}, "Two runs may stand in one table"),
        ({"tables": (Table("Empty", ("a",), ()),)}, "Empty a"),
    ],
)
def test_missing_parts_are_left_out(changes: dict[str, Any], present: str):
    html = render_page(make_report(**changes))
    page = Page(html)
    assert page.faults == []
    assert present in page.words()
    ids = {a["id"] for _, a in page.elements if "id" in a}
    assert {a["href"][1:] for a in page.all("a")} <= ids
    assert not re.search(r"\bnan\b|\bNone\b|Undefined", page.words())


def test_the_best_pixel_baseline_is_the_lowest_where_low_is_good():
    def error(value: float) -> dict[str, Metric]:
        return {"eer": Metric(value, 5, None, False)}

    pixels = {"pixels_a": error(0.4), "pixels_b": error(0.3), "pixels_c": error(math.nan)}
    words = Page(render_page(make_report(metrics=error(0.1), baselines=pixels))).words()
    assert "best pixel baseline (pixels b) 0.3" in words


def test_values_outside_the_bar_are_cut_to_it():
    metric = Metric(1.0, 5, (-0.2, 1.3), True)
    html = render_page(make_report(metrics={"accuracy": metric}, baselines={}))
    assert "width:100.0%" in html
    assert "left:0.0%;width:100.0%" in html


def test_nested_values_are_flattened():
    assert flat({"a": {"b": 1, "c": {}}, "d": [1, {"e": None}], "f": []}) == [
        ("a.b", "1"),
        ("d", "1, e: -"),
        ("f", "-"),
    ]


def test_a_recipe_of_no_paper_has_no_published_value():
    card = {"paper": "none", "claim": "c", "published": None}
    words = Page(render_page(make_report(card=card))).words()
    assert "claim c" in words and "published" not in words


def test_the_subject_and_the_work_have_names_of_their_own():
    page = render_page(make_report(subject="gpt-x <b>", work="Asking"))
    assert "gpt-x &lt;b&gt;" in page and "this network" not in page and "gpt-x <b>" not in page
    assert "<h2>Asking</h2>" in page and "<h2>Training</h2>" not in page


def test_lines_of_a_long_cell_are_kept():
    table = Table("prompts", ("id", "prompt"), (("a", "Question\n1. first\n2. second"),))
    page = render_page(make_report(tables=(table,)))
    assert '<td class="long">Question\n1. first\n2. second</td>' in page
    assert "<td>a</td>" in page
