"""One of several processes that train one model, and how Lightning sees them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from lightning_fabric.plugins import ClusterEnvironment
from pytorch_lightning.strategies import DDPStrategy


@dataclass(frozen=True)
class Member:
    """One of the processes of a fit.

    Attributes:
        rank: its number; 0 is the process of the run, which alone writes and prints.
        world: number of processes.
        group: process group of :meth:`agree`, for numbers on the CPU.
    """

    rank: int = 0
    world: int = 1
    group: Any = None

    def agree(self, value: int) -> int:
        """Rank 0's ``value``, in every process; all must call it, the others' values do not count.

        Raises:
            RuntimeError: another process has died.
        """
        if self.world == 1:
            return value
        told = torch.tensor(value)
        dist.broadcast(told, src=0, group=self.group)
        return int(told)


ALONE = Member()


class RunningProcesses(DDPStrategy):
    """Lightning's ``ddp`` for processes that run and have met already.

    Args:
        member: which of them this is.
        some_unused: a step may leave parameters without a gradient; costs a look at each graph.
    """

    def __init__(self, member: Member, *, some_unused: bool = False) -> None:
        super().__init__(cluster_environment=_Machine(member), find_unused_parameters=some_unused)

    def _configure_launcher(self) -> None:
        self._launcher = None


class _Machine(ClusterEnvironment):
    """Who is who on this machine."""

    main_address = "127.0.0.1"
    main_port = 0  # unused: the process group is there before Lightning asks
    creates_processes_externally = True

    def __init__(self, member: Member) -> None:
        super().__init__()
        self._member = member

    @staticmethod
    def detect() -> bool:
        """Never by itself: it is made where it is needed."""
        return False

    def world_size(self) -> int:
        """Number of processes."""
        return self._member.world

    def global_rank(self) -> int:
        """Number of this one."""
        return self._member.rank

    def local_rank(self) -> int:
        """The same: there is one machine."""
        return self._member.rank

    def node_rank(self) -> int:
        """The one machine."""
        return 0

    def set_world_size(self, size: int) -> None:
        """It is known."""

    def set_global_rank(self, rank: int) -> None:
        """It is known."""
