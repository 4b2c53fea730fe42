"""A look before anything is asked: some prompts, how many there are, what they may cost."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice

from simlearn.analysis.errorradar.endpoint import EndpointSession, Request
from simlearn.report import Report, Table, environment
from simlearn.tasks.error_asking import Questionnaire
from simlearn.tasks.run_context import RunContext

SHOWN = 3
"""Prompts that are shown whole."""
PROMPTS = "prompts"
"""Title of their table."""


def dry_run_report(
    run: RunContext,
    asked: Questionnaire,
    shared: Mapping[str, object],
    session: EndpointSession,
    variants: int,
) -> Report:
    """The first prompts and what all of them may come to; nothing is sent.

    Args:
        run: recipe, seed, folder.
        asked: the prompts.
        shared: protocol of the run.
        session: of the endpoint.
        variants: how often everything is asked: once, and once under every mask.
    """
    times = f", each under {variants} variants of the model" if variants > 1 else ""
    rows = tuple(
        (request.id, request.task, picture(request), request.system, request.text)
        for request in islice(asked.requests(), SHOWN)
    )
    return Report(
        recipe=run.recipe,
        seed=run.seed,
        card=run.card,
        metrics={},
        baselines={},
        train={"problems": asked.data.n, "requests": asked.total(variants - 1)},
        protocol=shared,
        seconds={},
        tables=(
            Table(
                title=PROMPTS,
                columns=("problem", "asked", "figure", "role", "prompt"),
                rows=rows,
            ),
        ),
        figures=(),
        config=run.config,
        environment=environment(),
        run_dir=run.run_dir,
        work="Asking",
        notes=(
            f"A dry run: nothing was asked. {session.estimate(asked.requests())}{times}. To ask, "
            "leave out endpoint.dry_run=true (and take another run_dir, if you gave one).",
            *asked.data.notes,
        ),
        details={"dry_run": True},
    )


def picture(request: Request) -> str:
    """Whether a figure goes with a prompt, and which."""
    if request.image is None:
        return "none"
    return "bytes" if isinstance(request.image, bytes) else request.image.name
