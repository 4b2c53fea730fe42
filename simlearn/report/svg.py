"""Make an SVG figure safe and fit to stand inside the page: an allow-list, not a filter."""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.etree import ElementTree

from simlearn.report.wording import visible

_SHAPES = ("path", "rect", "circle", "ellipse", "line", "polyline", "polygon")
ELEMENTS = frozenset(("svg", "g", "defs", "text", "tspan", "use", "clipPath", *_SHAPES))
_PLACES = ("x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "r", "rx", "ry", "width", "height")
_LOOKS = ("style", "fill", "stroke", "stroke-width", "opacity", "clip-path", "text-anchor")
ATTRIBUTES = frozenset(
    ("id", "d", "points", "viewBox", "transform", "preserveAspectRatio", *_PLACES, *_LOOKS)
)
_FONT = ("font", "font-size", "font-family", "font-weight", "font-style", "text-anchor")
_LINE = ("stroke-linejoin", "stroke-linecap", "stroke-dasharray", "stroke-dashoffset")
PROPERTIES = frozenset(
    (
        "fill",
        "fill-opacity",
        "fill-rule",
        "opacity",
        "stroke",
        "stroke-width",
        "stroke-opacity",
        *_FONT,
        *_LINE,
    )
)
_LINK = re.compile(r"#[\w.-]+")
_OWN_URL = re.compile(r"url\(#([\w.-]+)\)")
_UNSAFE = re.compile(r"[\\@{}<>:]|/\*|\b(?!rgb|hsl|rotate|scale|translate|matrix|skew)[\w-]+\(")
_COLOUR = re.compile(r"#[0-9a-f]{6}")
_XLINK = "{http://www.w3.org/1999/xlink}href"


def inline_svg(
    text: str, *, prefix: str, label: str, themed: Mapping[str, str] | None = None
) -> str:
    """Turn an SVG document into an element for an HTML page.

    Only drawing elements and their drawing attributes survive; scripts, styles, links, images,
    foreign content and comments are dropped with all they hold, and so is the document's prolog.
    Ids get ``prefix``, so that two figures on a page do not share them; references may only go
    to such ids. Text is escaped.

    Args:
        text: an SVG document.
        prefix: put before each id.
        label: what the figure shows, as ``aria-label``.
        themed: colours (``#rrggbb``) that become ``var(--c-rrggbb,#rrggbb)`` in styles.

    Returns:
        The element ``<svg role="img" ...>...</svg>`` without namespaces.

    Raises:
        ValueError: the text is not one SVG element.
    """
    begin = text.find("<svg")
    try:  # the prolog is cut off, so that there is no document type and thus no entity to expand
        root = ElementTree.fromstring(text[max(begin, 0) :])  # noqa: S314
        clean = _copy(root, prefix, themed or {})
    except (ElementTree.ParseError, UnicodeError, RecursionError) as error:
        raise ValueError(f"figure {prefix!r} is not SVG: {error}") from error
    if begin < 0 or _local(root.tag) != "svg":
        raise ValueError(f"figure {prefix!r} is not SVG: no <svg> element found")
    for size in ("width", "height"):
        clean.attrib.pop(size, None)
    clean.attrib.update({"role": "img", "aria-label": label})
    return ElementTree.tostring(clean, encoding="unicode", short_empty_elements=False)


def _local(tag: object) -> str:
    """Give an element's name without its namespace; comments and instructions have none."""
    return tag.rsplit("}", 1)[-1] if isinstance(tag, str) else ""


def _copy(
    source: ElementTree.Element, prefix: str, themed: Mapping[str, str]
) -> ElementTree.Element:
    """Copy of ``source`` nothing but what the lists allow."""
    out = ElementTree.Element(_local(source.tag))
    out.text = visible(source.text or "") if out.tag in ("text", "tspan") else None
    for name, value in source.attrib.items():
        if name in ("href", _XLINK) and _LINK.fullmatch(value):
            out.set("href", f"#{prefix}-{value[1:]}")
        elif name in ATTRIBUTES and (kept := _attribute(name, value, prefix, themed)) is not None:
            out.set(name, kept)
    for child in source:
        if _local(child.tag) in ELEMENTS:
            copy = _copy(child, prefix, themed)
            copy.tail = visible(child.tail or "") if out.tag in ("text", "tspan") else None
            out.append(copy)
    return out


def _attribute(name: str, value: str, prefix: str, themed: Mapping[str, str]) -> str | None:
    """Give an attribute's value with its ids prefixed, None where it may reach outside."""
    if name == "id":
        return f"{prefix}-{value}" if _LINK.fullmatch(f"#{value}") else None
    if name == "style":
        return _style(value, themed)
    if _UNSAFE.search(_OWN_URL.sub("", value)):
        return None
    return _OWN_URL.sub(rf"url(#{prefix}-\1)", value)


def _style(value: str, themed: Mapping[str, str]) -> str | None:
    """Keep the declarations of drawing properties that call nothing; None where none is left."""
    kept = []
    for declaration in value.split(";"):
        name, _, what = (part.strip() for part in declaration.partition(":"))
        if name in PROPERTIES and what and not _UNSAFE.search(what):
            kept.append(f"{name}: {_COLOUR.sub(lambda found: _themed(found[0], themed), what)}")
    return "; ".join(kept) or None


def _themed(colour: str, themed: Mapping[str, str]) -> str:
    """Let the page choose a colour of the palette, with the colour itself as the default."""
    return f"var(--c-{colour[1:]},{colour})" if colour in themed else colour
