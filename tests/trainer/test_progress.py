"""The progress line with a clock and a stream of the test's own."""

from __future__ import annotations

import io
from types import SimpleNamespace

import pytest

from simlearn.trainer import progress
from simlearn.trainer.progress import ProgressLine, TrainingProgress, clock


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0:00"),
        (0.4, "0:00"),
        (9.6, "0:10"),
        (59.7, "1:00"),
        (75, "1:15"),
        (3599.4, "59:59"),
        (3600, "1:00:00"),
        (3661, "1:01:01"),
        (100 * 3600 + 59, "100:00:59"),
        (-5, "0:00"),
    ],
)
def test_text_of_a_duration(seconds, text):
    assert clock(seconds) == text


class Stream(io.StringIO):
    """A stream that may be a terminal, and counts its flushes."""

    def __init__(self, terminal):
        super().__init__()
        self.terminal, self.flushes = terminal, 0

    def isatty(self):
        return self.terminal

    def flush(self):
        self.flushes += 1


@pytest.fixture
def now(monkeypatch):
    """The time, in a list of one that the test moves."""
    time = [1000.0]
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: time[0]))
    return time


def test_in_a_log_a_line_now_and_then_with_the_time_left(now):
    stream = Stream(False)
    line = ProgressLine(stream, seconds=15)
    for done in range(101):
        line("decoding", done, 100)
        now[0] += 1
    assert stream.getvalue().splitlines() == [
        "decoding 15/100, 0:15, 1:25 left",
        "decoding 30/100, 0:30, 1:10 left",
        "decoding 45/100, 0:45, 0:55 left",
        "decoding 60/100, 1:00, 0:40 left",
        "decoding 75/100, 1:15, 0:25 left",
        "decoding 90/100, 1:30, 0:10 left",
        "decoding 100/100, 1:40",
    ]
    assert stream.flushes == 7


def test_a_terminal_has_one_line_that_moves_and_ends(now):
    stream = Stream(True)
    line = ProgressLine(stream)
    for done in range(3):
        line("training", done, 2, lambda: "loss 0.5")
        now[0] += 10
    assert stream.getvalue() == (
        "\r\x1b[2Ktraining 0/2, 0:00, loss 0.5"
        "\r\x1b[2Ktraining 1/2, 0:10, 0:10 left, loss 0.5"
        "\r\x1b[2Ktraining 2/2, 0:20, loss 0.5\n"
    )


def test_a_terminal_is_not_written_to_a_thousand_times_a_second(now):
    stream = Stream(True)
    line = ProgressLine(stream)
    for done in range(1000):
        line("decoding", done, 1000)
        now[0] += 0.001
    assert 9 <= stream.flushes <= 11


def test_the_time_left_of_a_resumed_run_comes_from_its_own_steps(now):
    stream = Stream(True)
    line = ProgressLine(stream)
    line("training", 900, 1000)
    now[0] += 10
    line("training", 910, 1000)
    assert stream.getvalue().endswith("training 910/1000, 0:10, 1:30 left")


def test_another_piece_of_work_starts_the_clock_again(now):
    stream = Stream(True)
    line = ProgressLine(stream)
    line("drawing", 0, 2)
    now[0] += 60
    line("drawing", 2, 2)
    now[0] += 5
    line("decoding", 1, 4)
    now[0] += 6
    line("decoding", 3, 4)
    assert stream.getvalue().endswith("decoding 3/4, 0:06, 0:03 left")
    now[0] += 60
    line("decoding", 1, 4)  # the same words once more, from the beginning
    assert stream.getvalue().endswith("decoding 1/4, 0:00")


def test_what_is_done_at_once_is_said_in_a_log_too(now):
    stream = Stream(False)
    ProgressLine(stream)("test videos", 1, 1)
    assert stream.getvalue() == "test videos 1/1, 0:00\n"
    ProgressLine(stream)("nothing", 0, 0)
    assert stream.getvalue().endswith("nothing 0/0, 0:00\n")


def test_standard_error_is_the_default(capsys):
    ProgressLine()("drawing", 2, 2)
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err == "drawing 2/2, 0:00\n"


def test_a_fit_shows_step_epoch_loss_and_time_left(now):
    stream = Stream(False)
    callback = TrainingProgress(ProgressLine(stream, seconds=0), label="experience 3/5")
    trainer = SimpleNamespace(global_step=0, estimated_stepping_batches=12, current_epoch=0)
    callback.on_train_start(trainer, None)
    for step in range(1, 13):
        trainer.global_step, trainer.current_epoch = step, (step - 1) // 6
        now[0] += 2
        callback.on_train_batch_end(trainer, None, {"loss": 1 / step}, None, 0)
    assert stream.getvalue().splitlines() == [
        "experience 3/5 0/12, 0:00",
        *(
            f"experience 3/5 {step}/12, {clock(2 * step)}, {clock(2 * (12 - step))} left, "
            f"epoch {1 + (step - 1) // 6}, loss {1 / step:.4f}"
            for step in range(1, 12)
        ),
        "experience 3/5 12/12, 0:24, epoch 2, loss 0.0833",
    ]


def test_the_note_is_asked_only_for_a_line_that_is_shown(now):
    asked = []
    line = ProgressLine(Stream(False), seconds=15)
    for done in range(40):
        line("training", done, 100, lambda: asked.append(now[0]) or "")
        now[0] += 1
    assert len(asked) == 2


def test_what_comes_again_and_again_leaves_no_line(now):
    log, terminal = Stream(False), Stream(True)
    for stream in (log, terminal):
        line = ProgressLine(stream, final=False)
        for _ in range(3):
            for done in (1, 2):
                line("validation", done, 2)
                now[0] += 1
    assert log.getvalue() == ""
    assert "validation 2/2" in terminal.getvalue() and "\n" not in terminal.getvalue()


def test_a_prefix_says_what_the_work_is_a_part_of(now):
    log, terminal = Stream(False), Stream(True)
    for stream in (log, terminal):
        line = ProgressLine(stream, seconds=0)
        line("experience 1/2", 1, 4)
        now[0] += 2
        line.prefix = "ceiling, "
        line("experience 1/2", 2, 4)  # the same work: its clock goes on
        line.prefix = ""
        line("experience 1/2", 4, 4)
    assert log.getvalue().splitlines() == [
        "experience 1/2 1/4, 0:00",
        "ceiling, experience 1/2 2/4, 0:02, 0:04 left",
        "experience 1/2 4/4, 0:02",
    ]
    assert "\r\x1b[2Kceiling, experience 1/2 2/4, 0:02" in terminal.getvalue()
    assert ProgressLine(Stream(False)).prefix == ""


def test_the_progress_of_a_fit_has_the_prefix_of_its_line(now):
    stream = Stream(False)
    line = ProgressLine(stream, seconds=0)
    line.prefix = "ceiling, "
    callback = TrainingProgress(line, label="experience 3/5")
    trainer = SimpleNamespace(global_step=0, estimated_stepping_batches=2, current_epoch=0)
    callback.on_train_start(trainer, None)
    assert stream.getvalue() == "ceiling, experience 3/5 0/2, 0:00\n"
