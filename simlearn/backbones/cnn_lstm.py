"""A 2-D ConvNet on each frame and an LSTM over time (LRCN, Donahue et al. 2015)."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

from torch import Tensor, nn

from simlearn.backbones.arguments import at_least_one, one_of
from simlearn.backbones.base import Backbone, check_frames, scaled
from simlearn.backbones.convnet import ConvNet
from simlearn.backbones.frame_stem import PerFrame
from simlearn.backbones.gate_weights import initialise_gates
from simlearn.backbones.weights import load_weights

Read = Literal["last", "mean"]


def read_steps(x: Tensor, read: Read) -> Tensor:
    """One row per clip from the outputs of all steps.

    Args:
        x: ``(B, n, T)``.
        read: "last" takes the last step, "mean" the mean over the steps.

    Returns:
        ``(B, n)``; B = 0 gives no row.

    Raises:
        ValueError: T is 0.
    """
    check_frames(x)
    return x[:, :, -1] if read == "last" else x.mean(2)


class ReadSteps(nn.Module):
    """:func:`read_steps` as a layer.

    Args:
        read: "last" or "mean".
    """

    def __init__(self, read: Read) -> None:
        super().__init__()
        self.read: Read = read

    def forward(self, x: Tensor) -> Tensor:
        """``(B, n, T)`` to ``(B, n)``."""
        return read_steps(x, self.read)

    def extra_repr(self) -> str:
        """What is read, for printing."""
        return f"read={self.read!r}"


class StepLSTM(nn.Module):
    """``torch.nn.LSTM`` on ``(B, C, T)``, started as the gates of a ConvLSTM.

    Args:
        channels: C.
        hidden: n.
        layers: LSTMs on top of each other.
    """

    def __init__(self, channels: int, hidden: int, layers: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(channels, hidden, layers)
        for w_x, w_h, bias, second_bias in self.lstm.all_weights:
            initialise_gates(w_x, w_h, bias, forget_bias=1.0)
            nn.init.zeros_(second_bias)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, T)`` to all outputs ``(B, n, T)`` in (-1, 1); B = 0 gives no row.

        Raises:
            ValueError: T is 0.
        """
        check_frames(x)
        out: Tensor = self.lstm(x.permute(2, 0, 1))[0]
        return out.permute(1, 2, 0)


class CNNLSTM(Backbone):
    """Features of each frame by :class:`ConvNet`, then an LSTM over the frames.

    The plan of LRCN (Donahue et al. 2015, "Long-term Recurrent Convolutional Networks"), with a
    small network in place of CaffeNet and without its dropout. Stages: those of ConvNet on each
    frame (64 channels, GroupNorm, a 2x2 map), ``lstm`` with all outputs ``(B, n, T)``, and the
    reading. Takes ``(B, in_channels, T, H, W)`` of any T and size from 1 up, meant for 8 px
    upward; gives ``(B, dim)`` features in (-1, 1) with dim = hidden. B = 0 gives none. No sample
    depends on its batch and training equals evaluation. 639,168 parameters at width 1.

    Args:
        width: scales the channels of the convolutions and the hidden size.
        hidden: outputs of the LSTM, before ``width``.
        layers: LSTMs on top of each other.
        read: "last" takes the last frame's output, "mean" the mean over the frames (LRCN averages
            its predictions).
        in_channels: colour channels.
        weights: file of weights to start from, see :func:`load_weights`.

    Raises:
        ValueError: an unknown reading; hidden, layers or in_channels below 1; a width that is not
            a positive number; weights of another backbone. A clip without frames, when it is
            given.
    """

    def __init__(
        self,
        width: float = 1.0,
        hidden: int = 256,
        layers: int = 1,
        read: Read = "last",
        in_channels: int = 3,
        weights: Path | None = None,
    ) -> None:
        one_of(get_args(Read), read=read)
        at_least_one(hidden=hidden, layers=layers)
        frames = ConvNet(width=width, in_channels=in_channels)
        stages: dict[str, nn.Module] = {n: PerFrame(s) for n, s in frames.stages.items()}
        dim = scaled(hidden, width)
        stages["lstm"] = StepLSTM(frames.dim, dim, layers)
        stages["read"] = ReadSteps(read)
        super().__init__(stages, dim=dim, kind="clip")
        if weights is not None:
            load_weights(self, weights)
