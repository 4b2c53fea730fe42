"""``simlearn doctor``: what is installed, what the machine has, what is wrong, how to mend it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from simlearn.cli.facts import Facts
    from simlearn.cli.problems import Finding


def doctor_command(
    config_dir: Annotated[
        list[Path] | None, typer.Option(help="A folder with your own recipes and options.")
    ] = None,
) -> None:
    """Look for the commonest set-up problems; ends with 1 if it found one."""
    from simlearn.cli.facts import gather_facts
    from simlearn.cli.problems import find_problems

    facts = gather_facts(tuple(config_dir or ()))
    findings = find_problems(facts)
    typer.echo(describe_facts(facts))
    typer.echo(describe_findings(findings))
    raise typer.Exit(1 if any(finding.problem for finding in findings) else 0)


def describe_facts(facts: Facts) -> str:
    """The facts as aligned lines, without judgement."""
    from simlearn.cli.problems import size

    versions = ", ".join(f"{name} {version or '-'}" for name, version in facts.versions.items())
    rows = [
        ("python", facts.python),
        ("packages", versions),
        *(("device", device) for device in facts.devices),
        ("runs go to", f"{facts.outputs} ({size(facts.outputs_free)} free)"),
        ("temporary", f"{facts.temporary} ({size(facts.temporary_free)} free)"),
        ("options", facts.configs or "not found"),
        ("recipes", f"{facts.recipes or 'not found'} ({facts.recipe_count} recipes)"),
    ]
    return "\n".join(f"{name:11} {text}" for name, text in rows)


def describe_findings(findings: Sequence[Finding]) -> str:
    """The findings as lines, each with its fix; a sentence of its own when there is no problem."""
    lines = []
    for finding in findings:
        lines.append(f"{'problem' if finding.problem else 'hint':11} {finding.what}")
        lines.append(f"{'':11} -> {finding.fix}")
    problems = sum(finding.problem for finding in findings)
    verdict = {0: "no problem found", 1: "1 problem"}.get(problems, f"{problems} problems")
    return "\n".join([*lines, verdict])
