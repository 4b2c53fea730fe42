"""The doctor's report and exit code."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from simlearn.__main__ import make_app
from simlearn.cli.doctor import describe_facts, describe_findings
from simlearn.cli.facts import Facts
from simlearn.cli.problems import Finding


def test_facts_as_lines():
    text = describe_facts(Facts(python="3.12.1", versions={"torch": None}, devices=("CPU", "GPU")))
    assert "python      3.12.1" in text
    assert "torch -" in text
    assert text.count("device ") == 2
    assert "options     not found" in text


@pytest.mark.parametrize(
    ("count", "words"), [(0, "no problem found"), (1, "1 problem"), (2, "2 problems")]
)
def test_findings_end_with_a_verdict(count, words):
    findings = [Finding("bad", "mend it")] * count + [Finding("small", "grow", problem=False)]
    lines = describe_findings(findings).splitlines()
    assert lines[-1] == words
    assert sum(line.startswith("problem") for line in lines) == count
    assert sum("-> " in line for line in lines) == count + 1


def test_exit_code(tmp_path):
    good = CliRunner().invoke(make_app(), ["doctor"])
    assert good.exit_code == ("no problem found" not in good.output)
    (tmp_path / "bad.yaml").write_text("card: [")
    bad = CliRunner().invoke(make_app(), ["doctor", "--config-dir", str(tmp_path)])
    assert bad.exit_code == 1
    assert "bad.yaml" in bad.output
    assert "mend the file" in bad.output
