from __future__ import annotations

import json

import pytest

from simlearn.report import FigureImage, save, write_report
from tests.report.report_parts import SVG, figures, make_report


def names(folder) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_all_files_of_a_run_are_written(tmp_path):
    report = make_report(tmp_path / "run", figures=figures())
    path = write_report(report)
    assert path == report.report_path == tmp_path / "run" / "report.html"
    assert names(tmp_path / "run") == sorted(
        [
            "config.yaml",
            "environment.json",
            "metrics.json",
            "report.html",
            *(f"figures/{name}.svg" for name in ("cmc", "curves", "other")),
            "figures/retrieval.png",
        ]
    )
    assert json.loads((path.parent / "metrics.json").read_text()) == report.to_json()
    assert (path.parent / "config.yaml").read_text() == "seed: 3\n"
    assert json.loads((path.parent / "environment.json").read_text())["python"] == "3.12"
    assert (path.parent / "figures" / "other.svg").read_text() == SVG


def test_metrics_come_last(tmp_path, monkeypatch):
    order: list[str] = []
    for name in ("write_text_atomic", "write_json_atomic", "write_bytes_atomic"):
        real = getattr(save, name)
        monkeypatch.setattr(
            save, name, lambda path, x, real=real: (order.append(path.name), real(path, x))[1]
        )
    write_report(make_report(tmp_path, figures=figures()))
    assert order[-1] == "metrics.json"
    assert len(order) == 8


def test_both_forms_of_a_figure_are_written(tmp_path):
    png = figures()[3].png
    write_report(make_report(tmp_path, figures=(FigureImage("x", "t", "a", svg=SVG, png=png),)))
    assert (tmp_path / "figures" / "x.svg").read_text() == SVG
    assert (tmp_path / "figures" / "x.png").read_bytes() == png


def test_a_fault_is_found_before_the_first_file(tmp_path):
    with pytest.raises(ValueError, match="figure 'bad' is not SVG"):
        write_report(make_report(tmp_path, figures=(FigureImage("bad", "t", "a", svg="no"),)))
    with pytest.raises(TypeError, match=r"protocol\.x"):
        write_report(make_report(tmp_path, protocol={"x": object()}))
    assert names(tmp_path) == []


def test_the_same_report_is_the_same_bytes(tmp_path):
    pages = [
        write_report(make_report(tmp_path / name, figures=figures())).read_bytes() for name in "ab"
    ]
    assert pages[0] == pages[1]
