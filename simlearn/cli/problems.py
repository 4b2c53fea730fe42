"""What is wrong with an installation, and the way out: pure functions of :class:`Facts`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from simlearn.cli.facts import Facts

GIB = 2**30
ENOUGH_OUTPUTS = 2 * GIB
ENOUGH_TEMPORARY = GIB // 2
ENOUGH_SHARED = GIB // 4


@dataclass(frozen=True)
class Finding:
    """One thing that ``doctor`` tells.

    Attributes:
        what: what is so.
        fix: what to do, where possible a line to paste.
        problem: whether it keeps something from working (then ``doctor`` ends with 1); else it
            is a hint.
    """

    what: str
    fix: str
    problem: bool = True


def find_problems(facts: Facts) -> list[Finding]:
    """All findings, problems first, in a fixed order; empty for a healthy installation."""
    checks = (
        missing_packages,
        torch_pair,
        broken_imports,
        configurations,
        disk,
        unseen_gpu,
        shared_memory,
        extras,
    )
    found = [finding for check in checks for finding in check(facts)]
    return sorted(found, key=lambda finding: not finding.problem)


def missing_packages(facts: Facts) -> Iterator[Finding]:
    """Packages of the base install that are not there."""
    lost = [name for name, version in facts.versions.items() if version is None]
    if lost:
        yield Finding(f"not installed: {', '.join(lost)}", f"pip install {' '.join(lost)}")


def torch_pair(facts: Facts) -> Iterator[Finding]:
    """A torchvision that was built for another torch."""
    torch, vision = facts.versions.get("torch"), facts.versions.get("torchvision")
    if not torch or not vision or not facts.torch_wanted:
        return
    from packaging.specifiers import SpecifierSet

    if torch.partition("+")[0] not in SpecifierSet(facts.torch_wanted, prereleases=True):
        yield Finding(
            f"torchvision {vision} was built for torch {facts.torch_wanted}, found torch {torch}",
            "pip install --upgrade torch torchvision",
        )


def broken_imports(facts: Facts) -> Iterator[Finding]:
    """Modules that are installed and do not load."""
    for module, reason in facts.import_errors.items():
        package = {"cv2": "opencv-python"}.get(module, module)
        if facts.versions.get(package) is None:
            continue  # told as missing
        if module == "cv2":
            fix = (
                "without a desktop: pip uninstall -y opencv-python && "
                "pip install opencv-python-headless; or install the system library it names "
                "(libGL.so.1: apt install libgl1)"
            )
        else:
            fix = "pip install --upgrade --force-reinstall torch torchvision"
        yield Finding(f"{package} cannot be loaded: {reason}", fix)


def configurations(facts: Facts) -> Iterator[Finding]:
    """Options or recipes that are not found or do not load."""
    for fault in facts.config_faults:
        fix = "mend the file" if facts.configs else "see the sentence before"
        yield Finding(fault, fix)
    if facts.configs and facts.recipe_count == 0:
        yield Finding(f"no recipe in {facts.recipes}", "restore the folder or install again")


def disk(facts: Facts) -> Iterator[Finding]:
    """Too little room for runs or for temporary files."""
    if facts.outputs_free < ENOUGH_OUTPUTS:
        yield Finding(
            f"{size(facts.outputs_free)} free at {facts.outputs}, where runs go",
            "make room, or give run_dir=/another/disk/NAME and data.cache=/another/disk/cache",
        )
    if facts.temporary_free < ENOUGH_TEMPORARY:
        yield Finding(
            f"{size(facts.temporary_free)} free at {facts.temporary}, the temporary folder",
            "make room, or set TMPDIR to another folder",
        )


def unseen_gpu(facts: Facts) -> Iterator[Finding]:
    """A GPU that torch does not use."""
    if facts.nvidia_driver and not facts.cuda and "torch" not in facts.import_errors:
        yield Finding(
            f"an NVIDIA driver is here, but torch {facts.versions.get('torch')} sees no GPU",
            "install a CUDA build of torch that fits the driver (nvidia-smi shows its CUDA "
            "version), or check CUDA_VISIBLE_DEVICES",
            problem=False,
        )


def shared_memory(facts: Facts) -> Iterator[Finding]:
    """A small ``/dev/shm``, through which loader workers pass their batches."""
    if facts.shared_memory is not None and facts.shared_memory < ENOUGH_SHARED:
        yield Finding(
            f"shared memory holds {size(facts.shared_memory)}; workers that load data may die with "
            "a bus error",
            "trainer.workers=0, or start the container with --shm-size=2g",
            problem=False,
        )


def extras(facts: Facts) -> Iterator[Finding]:
    """Optional parts that are not installed."""
    for extra, modules in facts.missing_extras.items():
        yield Finding(
            f"optional part '{extra}' is not installed ({', '.join(modules)})",
            f"pip install 'simlearn[{extra}]'",
            problem=False,
        )


def size(count: int) -> str:
    """Bytes in words: ``"1.5 GiB"``, ``"64 MiB"``."""
    return f"{count / GIB:.1f} GiB" if count >= GIB else f"{count / 2**20:.0f} MiB"
