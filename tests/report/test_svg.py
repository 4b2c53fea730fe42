from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlearn.report import drawing
from simlearn.report.svg import ATTRIBUTES, ELEMENTS, inline_svg
from tests.report.report_parts import SVG, Page, figures


def clean(inside: str, **root: str) -> str:
    attributes = " ".join(f'{key}="{value}"' for key, value in root.items())
    spaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return inline_svg(f"<svg {spaces} {attributes}>{inside}</svg>", prefix="f", label="what")


def test_the_element_has_a_role_and_words_and_no_size():
    svg = inline_svg('<?xml version="1.0"?>' + SVG, prefix="f", label='a "b" <c>')
    assert svg == (
        '<svg viewBox="0 0 9 9" role="img" aria-label="a &quot;b&quot; &lt;c&gt;">'
        '<path d="M 0 0"></path></svg>'
    )


def test_every_figure_of_ours_keeps_its_drawing():
    for figure in figures():
        if figure.svg is not None:
            svg = inline_svg(figure.svg, prefix=figure.name, label="x", themed=drawing.DARK)
            names = ("path", "use", "text", "clipPath", "rect", "g")
            for name in names:
                assert svg.count(f"<{name} ") == figure.svg.count(f"<{name} "), name
            assert f"var(--c-{drawing.BLUE[1:]},{drawing.BLUE})" in svg or figure.name == "other"
            assert Page(svg).faults == []


def test_ids_and_references_get_the_prefix():
    svg = clean(
        '<defs><path id="m" d="M 0 0"/></defs><use xlink:href="#m" x="1"/>'
        '<clipPath id="c"><rect x="1"/></clipPath><path clip-path="url(#c)" d="M 1 1"/>'
    )
    assert 'id="f-m"' in svg
    assert 'href="#f-m"' in svg
    assert 'id="f-c"' in svg
    assert 'clip-path="url(#f-c)"' in svg


@pytest.mark.parametrize(
    "inside",
    [
        "<script>alert(1)</script>",
        "<style>* { display: none }</style>",
        '<image href="http://evil/x.png"/>',
        '<image href="data:image/png;base64,AA"/>',
        '<a href="http://evil"><text>x</text></a>',
        "<foreignObject><body>evil</body></foreignObject>",
        '<g onclick="evil()"/>',
        '<use href="http://evil/x.svg#a"/>',
        '<use xlink:href="data:evil"/>',
        '<path style="fill: url(http://evil)" d="M 0 0"/>',
        '<path style="position: fixed; background: evil" d="M 0 0"/>',
        '<path style="fill: image-set(&quot;http://evil&quot;)" d="M 0 0"/>',
        '<path style="fill: \\75 rl(http://evil)" d="M 0 0"/>',
        '<path fill="url(http://evil)" d="M 0 0"/>',
        '<animate attributeName="href" to="javascript:evil"/>',
        '<set attributeName="onclick" to="evil"/>',
        "<!-- evil --><?evil evil?>",
        "<title>evil</title><metadata>evil</metadata>",
        '<x:script xmlns:x="http://www.w3.org/1999/xhtml">evil()</x:script>',
    ],
)
def test_what_does_not_draw_is_dropped(inside):
    svg = clean(inside)
    for word in ("evil", "alert", "http", "script", "display", "data:", "onclick"):
        assert word not in svg


def test_text_is_escaped_and_shows_what_hides():
    svg = clean("<text>a &lt;script&gt; ]]&gt; \u202e<tspan>b</tspan> c &amp;</text>")
    assert "<text>a &lt;script&gt; ]]&gt; \\u202e<tspan>b</tspan> c &amp;</text>" in svg


def test_a_colour_of_the_page_stays_readable_without_the_page():
    text = SVG.replace('d="M 0 0"', 'd="M 0 0" style="fill: #ffffff; stroke: #123456"')
    svg = inline_svg(text, prefix="f", label="x", themed={"#ffffff": "#000000"})
    assert 'style="fill: var(--c-ffffff,#ffffff); stroke: #123456"' in svg


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no picture",
        "<svg>",
        "<svg></b>",
        "<g/>",
        "<svgx/>",
        "<svg>&evil;</svg>",
        "<svg>\ud800</svg>",
    ],
)
def test_what_is_no_svg_is_refused_by_name(text):
    with pytest.raises(ValueError, match="figure 'cmc' is not SVG"):
        inline_svg(text, prefix="cmc", label="x")


def test_entities_cannot_be_declared():
    bomb = '<!DOCTYPE svg [<!ENTITY a "aaaa">]><svg><text>&a;</text></svg>'
    with pytest.raises(ValueError, match="is not SVG"):
        inline_svg(bomb, prefix="f", label="x")


def test_endless_nesting_is_refused():
    with pytest.raises(ValueError, match="is not SVG"):
        inline_svg("<svg>" + "<g>" * 9000 + "</g>" * 9000 + "</svg>", prefix="f", label="x")


@given(
    st.lists(
        st.tuples(
            st.sampled_from([*sorted(ELEMENTS), "script", "style", "image", "a", "iframe"]),
            st.sampled_from([*sorted(ATTRIBUTES), "onload", "href", "src"]),
            st.sampled_from(["url(http://e)", "javascript:e", "#a", "1", "url(#a)", "fill: red"]),
        ),
        max_size=8,
    )
)
def test_only_listed_names_survive(parts):
    begin = "".join(f'<{tag} {name}="{value}">' for tag, name, value in parts)
    end = "".join(f"</{tag}>" for tag, *_ in reversed(parts))
    page = Page(inline_svg(f"<svg>{begin}{end}</svg>", prefix="f", label="x"))
    assert page.faults == []
    allowed = {name.lower() for name in ATTRIBUTES} | {"role", "aria-label", "href"}
    for tag, attributes in page.elements:
        assert tag in {name.lower() for name in ELEMENTS}
        assert set(attributes) <= allowed
        assert not any("http" in str(v) or "javascript" in str(v) for v in attributes.values())
