"""Ask a model for the first wrong step of worked solutions and the kind of the error."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from simlearn.analysis.adapter import ModelAdapter
from simlearn.analysis.errorradar.endpoint import Failure
from simlearn.analysis.errorradar.mask_variants import MaskVariant, load_neurons, mask_variants
from simlearn.analysis.errorradar.prompt_style import load_style
from simlearn.analysis.errorradar.record_source import RecordData
from simlearn.analysis.errorradar.replay import Replay
from simlearn.analysis.errorradar.reply_store import ReplyStore, write_failures
from simlearn.analysis.errorradar.tally import MOST_TYPES
from simlearn.analysis.errors import AnalysisError
from simlearn.data.errors import DataError
from simlearn.report import Report, write_report
from simlearn.tasks.error_asking import Questionnaire, ask_all
from simlearn.tasks.error_dry_run import dry_run_report
from simlearn.tasks.error_human import read_human
from simlearn.tasks.error_kept_protocol import REPLIES, check_replayed, keep_protocol
from simlearn.tasks.error_parts import ErrorParts
from simlearn.tasks.error_report import error_report, run_protocol
from simlearn.tasks.error_results import ErrorResults
from simlearn.tasks.error_rivals import read_rivals
from simlearn.tasks.error_scoring import Row, scored_rows, written_rows
from simlearn.tasks.run_context import RunContext
from simlearn.trainer.interrupt import stop_signals
from simlearn.trainer.progress import ProgressLine
from simlearn.trainer.stopwatch import Stopwatch

FAILURES, ROWS = "failures.jsonl", "rows.jsonl"


def find_error_steps(parts: ErrorParts, run: RunContext) -> Report:
    """Ask about every problem, keep every reply, and score what was kept (arXiv 2410.04509).

    Args:
        parts: what the configuration describes.
        run: the run's folder, seed and recipe. With ``resume`` what is kept is not asked again.

    Returns:
        The report, already written into ``run.run_dir`` beside ``responses.jsonl`` (what was said)
        and ``rows.jsonl`` (how it was read).

    Raises:
        AnalysisError, DataError, EndpointError, Interrupted: with the way out in their text; the
            replies until then are kept.
    """
    watch, line = Stopwatch(), ProgressLine()
    if parts.trainer.threads:
        torch.set_num_threads(parts.trainer.threads)
    if parts.trainer.fast_dev_run:
        parts = parts.small()
    protocol = parts.protocol
    with watch("data"):
        style = load_style(protocol.style)
        adapter = None if parts.model is None else parts.model.open(parts.trainer.device)
        session = parts.endpoint.open(adapter)
        variants = planned_masks(parts, adapter, run.seed)
        data = parts.source.open(run.run_dir, report=line)
        check_types(data)
        shared = run_protocol(data, protocol, style)
        rivals = read_rivals(protocol.compare, shared)  # refused before anything is asked
        human = None if protocol.human is None else read_human(protocol.human, data)
    asked = Questionnaire(data, protocol, style, session.identity())
    if parts.endpoint.dry_run:
        report = dry_run_report(run, asked, shared, session, 1 + len(variants))
        write_report(report)
        return report
    kept = keep_protocol(run.run_dir, shared, protocol)
    other = None
    if isinstance(parts.endpoint, Replay):
        other = check_replayed(Path(parts.endpoint.responses), kept)
    results = ErrorResults(
        data=data,
        name=session.name if protocol.images else f"{session.name} (without figures)",
        weights=session.weights,
        rivals=rivals,
        human=human,
        seed=run.seed,
        masked=bool(variants),
        notes=[] if other is None else [other],
    )
    with ReplyStore(run.run_dir / REPLIES) as store:
        with watch("replies"), stop_signals() as stop:
            failures = ask_all(
                session,
                asked,
                variants,
                store,
                adapter=adapter,
                stop=stop,
                line=line,
                run_dir=run.run_dir,
            )
        check_missing(failures, asked.total(len(variants)), protocol.missing, run)
        with watch("scores"):
            score(asked, store, variants, results, run)
            check_holes(results, store, failures)
    report = error_report(parts, run, results, variants, shared, watch.seconds)
    write_report(report)
    return report


def planned_masks(parts: ErrorParts, adapter: ModelAdapter | None, seed: int) -> list[MaskVariant]:
    """The masks of ``evaluation.neurons`` and their random controls; none without it."""
    protocol = parts.protocol
    if protocol.neurons is None or adapter is None:
        return []
    return mask_variants(
        load_neurons(protocol.neurons),
        adapter.shape,
        controls=protocol.controls,
        seed=seed,
        model=adapter.fingerprint,
    )


def check_missing(failures: list[Failure], total: int, most: float, run: RunContext) -> None:
    """Write down what got no reply, and refuse a table with too many holes.

    Raises:
        AnalysisError: more than the share ``most`` of the requests.
    """
    write_failures(run.run_dir / FAILURES, failures)
    if len(failures) <= most * total:
        return
    raise AnalysisError(
        f"{len(failures)} of {total} requests got no reply; the first, about {failures[0].id!r}: "
        f"{failures[0].reason.rstrip('.')}. All are listed in {run.run_dir / FAILURES}, every "
        f"other reply is kept. Ask these again: python -m simlearn.train resume={run.run_dir} (or "
        f"count them as wrong: endpoint=replay endpoint.responses={run.run_dir} "
        "evaluation.missing=1, where there are no masks)"
    )


def check_types(data: RecordData) -> None:
    """Refuse records of more types than are kept apart, before anything is asked.

    Raises:
        DataError: says what to map.
    """
    types = {record.problem_type for record in data.records()} - {""}
    if len(types) > MOST_TYPES:
        raise DataError(
            f"the records have {len(types)} different values of problem_type (such as "
            f"{min(types)[:40]!r}), at most {MOST_TYPES} are kept apart: put them together by "
            "problem_types in a data.map file, or leave the column out"
        )


def check_holes(results: ErrorResults, store: ReplyStore, failures: list[Failure]) -> None:
    """Compare what was scored with what was asked.

    Raises:
        AnalysisError: prompts have changed since they were asked, such as by another figure.
    """
    missing = results.usage.missing + results.masked_usage.missing
    if missing > len(failures):
        raise AnalysisError(
            f"{missing - len(failures)} replies fit no prompt any more: records or figures have "
            "changed while they were asked. Start a new run"
        )
    others = len(store) - results.usage.replies - results.masked_usage.replies
    if others:
        results.notes.append(
            f"{others} kept replies belong to prompts that are no longer made: data, prompts or "
            "model have changed since they were asked. They count for nothing."
        )


def score(
    asked: Questionnaire,
    store: ReplyStore,
    variants: Sequence[MaskVariant],
    results: ErrorResults,
    run: RunContext,
) -> None:
    """Read every reply, write the rows, count them, and choose examples."""

    def every() -> Iterator[Row]:
        for variant in (None, *variants):
            usage = results.usage if variant is None else results.masked_usage
            yield from scored_rows(asked, store, variant, usage)

    for row in written_rows(every(), run.run_dir / ROWS):
        results.add(row)
    wanted, said = results.wanted(), dict[str, str]()
    for record in asked.data.records():
        if record.id in wanted:
            kept = [store.get(r.key).text for r in asked.about(record) if r.key in store]
            said[record.id] = "\n".join(kept)
    results.show(said)
