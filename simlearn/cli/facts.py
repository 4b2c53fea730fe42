"""What ``doctor`` looks at: versions, devices, disk, folders. Gathering only, no judgement."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from dataclasses import dataclass, field
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path

PACKAGES = (
    *("torch", "torchvision", "pytorch-lightning", "pytorch-metric-learning"),
    *("numpy", "scipy", "scikit-learn", "opencv-python", "hydra-core", "omegaconf"),
    *("tensorboard", "safetensors", "matplotlib", "jinja2", "filelock", "typer", "rich", "pyyaml"),
)
EXTRAS = {
    "continual": ("avalanche",),
    "faces": ("facenet_pytorch",),
    "analysis": ("transformers", "accelerate", "captum", "easy_vqa", "gguf"),
    "search": ("faiss",),
}
IMPORTED = ("torch", "torchvision", "cv2")


@dataclass(frozen=True)
class Facts:
    """One machine and one installation.

    Attributes:
        python: its version.
        versions: package -> version; None if it is not installed.
        import_errors: module -> why it cannot be imported.
        torch_wanted: the torch that the installed torchvision asks for, such as ``"==2.4.0"``;
            empty if it does not say.
        devices: one line per device, with the precisions it has.
        nvidia_driver: whether the machine has an NVIDIA driver.
        cuda: whether torch sees a CUDA device.
        outputs: the folder where runs go (or its nearest parent that is there).
        outputs_free: free bytes there.
        temporary: the temporary folder.
        temporary_free: free bytes there.
        shared_memory: bytes of ``/dev/shm``; None where there is no such folder.
        configs: where the options are read from; empty if they were not found.
        recipes: where the recipes are read from; empty if they were not found.
        config_faults: what is wrong with those folders, or with a recipe, one sentence each.
        recipe_count: how many recipes there are.
        missing_extras: extra -> modules that are not installed.
    """

    python: str = ""
    versions: dict[str, str | None] = field(default_factory=dict)
    import_errors: dict[str, str] = field(default_factory=dict)
    torch_wanted: str = ""
    devices: tuple[str, ...] = ()
    nvidia_driver: bool = False
    cuda: bool = False
    outputs: str = "outputs"
    outputs_free: int = 0
    temporary: str = ""
    temporary_free: int = 0
    shared_memory: int | None = None
    configs: str = ""
    recipes: str = ""
    config_faults: tuple[str, ...] = ()
    recipe_count: int = 0
    missing_extras: dict[str, tuple[str, ...]] = field(default_factory=dict)


def gather_facts(config_dirs: tuple[Path, ...] = ()) -> Facts:
    """Look at this machine; nothing is written. Takes some seconds, for torch is imported.

    Args:
        config_dirs: the user's folders, whose recipes are tried too.
    """
    errors = {name: reason for name in IMPORTED if (reason := import_error(name))}
    devices, cuda = torch_devices() if "torch" not in errors else ((), False)
    outputs, shared = nearest_folder(Path("outputs")), Path("/dev/shm")  # noqa: S108
    configs, recipes, count, faults = _recipes(config_dirs)
    return Facts(
        python=sys.version.split()[0],
        versions={name: installed_version(name) for name in PACKAGES},
        import_errors=errors,
        torch_wanted=torch_wanted(),
        devices=devices,
        nvidia_driver=Path("/proc/driver/nvidia/version").exists(),
        cuda=cuda,
        outputs=str(outputs.absolute()),
        outputs_free=shutil.disk_usage(outputs).free,
        temporary=tempfile.gettempdir(),
        temporary_free=shutil.disk_usage(tempfile.gettempdir()).free,
        shared_memory=shutil.disk_usage(shared).total if shared.is_dir() else None,
        configs=configs,
        recipes=recipes,
        config_faults=faults,
        recipe_count=count,
        missing_extras=missing_extras(),
    )


def installed_version(package: str) -> str | None:
    """The version of an installed package, None without it; either OpenCV build counts."""
    names = (package, f"{package}-headless") if package == "opencv-python" else (package,)
    for name in names:
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return None


def import_error(module: str) -> str | None:
    """Why a module cannot be imported, in one line; None if it can."""
    try:
        import_module(module)
    except Exception as error:  # a broken binary raises whatever its loader raises
        return " ".join(f"{type(error).__name__}: {error}".split())
    return None


def torch_wanted() -> str:
    """The version of torch that the installed torchvision names, such as ``"==2.4.0"``."""
    from packaging.requirements import Requirement

    try:
        named = [Requirement(text) for text in metadata.requires("torchvision") or []]
    except metadata.PackageNotFoundError:
        return ""
    return next((str(one.specifier) for one in named if one.name == "torch"), "")


def torch_devices() -> tuple[tuple[str, ...], bool]:
    """One line per device that torch sees, and whether one of them is a CUDA device."""
    import torch

    lines = [f"CPU: {os.cpu_count()} cores, torch uses {torch.get_num_threads()} threads; 32, bf16"]
    cuda = torch.cuda.is_available()
    for index in range(torch.cuda.device_count() if cuda else 0):
        device = torch.cuda.get_device_properties(index)
        precision = "32, bf16, 16" if device.major >= 8 else "32, 16"
        lines.append(
            f"cuda:{index}: {device.name}, {device.total_memory / 2**30:.0f} GiB; {precision}"
        )
    if torch.backends.mps.is_available():
        lines.append("mps: Apple GPU; 32, 16")
    return tuple(lines), cuda


def missing_extras() -> dict[str, tuple[str, ...]]:
    """Extra -> those of its modules that are not installed; complete extras are left out."""
    lost = {
        extra: tuple(name for name in modules if find_spec(name) is None)
        for extra, modules in EXTRAS.items()
    }
    return {extra: modules for extra, modules in lost.items() if modules}


def nearest_folder(path: Path) -> Path:
    """The folder itself, or its nearest parent that exists."""
    path = path.absolute()
    return next(folder for folder in (path, *path.parents) if folder.is_dir())


def _recipes(config_dirs: tuple[Path, ...]) -> tuple[str, str, int, tuple[str, ...]]:
    from simlearn.config.errors import ConfigError
    from simlearn.config.locate import config_dirs as shipped_dirs
    from simlearn.config.recipes import list_recipes

    try:
        configs, recipes = shipped_dirs()
        cards = list_recipes([*config_dirs, recipes])
    except ConfigError as error:
        return "", "", 0, tuple(error.faults)
    faults = [fault for card in cards for fault in card.faults]
    try:
        faults += [
            fault
            for card in cards
            if not card.faults
            for fault in composition_faults(card.name, config_dirs)
        ]
    except ImportError as error:
        faults.append(f"recipes cannot be tried, simlearn does not import: {error}")
    return str(configs), str(recipes), len(cards), tuple(faults)


def composition_faults(name: str, config_dirs: tuple[Path, ...]) -> list[str]:
    """Why a recipe does not compose; empty if it does (values still to be given are no fault)."""
    from simlearn.config.compose import compose
    from simlearn.config.errors import ConfigError
    from simlearn.runner import targets

    try:
        compose([f"recipe={name}"], targets(), config_dirs=config_dirs, allow_missing=True)
    except ConfigError as error:
        return error.faults
    return []
