"""Files that are whole or not there, values that JSON can hold, and where a run happened."""

from __future__ import annotations

import json
import math
import os
import platform
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = {
    "torch": ("torch",),
    "torchvision": ("torchvision",),
    "lightning": ("pytorch-lightning", "lightning"),
    "numpy": ("numpy",),
    "opencv": ("opencv-python", "opencv-python-headless", "opencv-contrib-python"),
    "sklearn": ("scikit-learn",),
    "transformers": ("transformers",),
    "easy_vqa": ("easy-vqa",),
    "simlearn": ("simlearn",),
}
MASK = "***"
_KEY = r"[\w.+~/-]{0,80}(?:key|token|secret|password)[\w.-]{0,80}"
_SECRET_VALUE = re.compile(rf"({_KEY}['\"]?\s*[=:]).*", re.IGNORECASE | re.DOTALL)
_SECRET_FLAG = re.compile(rf"-{{1,2}}{_KEY}", re.IGNORECASE)
_USER_IN_URL = re.compile(r"(://)[^/@\s]+@")


def write_bytes_atomic(path: str | os.PathLike[str], data: bytes) -> Path:
    """Write ``data`` so that ``path`` holds either its old content or all of the new one.

    A temporary file in the same folder is written, flushed to the disk and renamed. Missing
    parent folders are made. After an error the old file is untouched and no temporary is left.

    Returns:
        The path.

    Raises:
        OSError: the folder cannot be written or the disk is full.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name[:80]}.{secrets.token_hex(6)}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)  # noqa: PTH105 (the tests and the design name os.replace)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)
    return path


def write_text_atomic(path: str | os.PathLike[str], text: str) -> Path:
    """Write text as UTF-8 with :func:`write_bytes_atomic`.

    Lone surrogates (from file names that are no UTF-8) become escapes, as JSON writes them.
    """
    return write_bytes_atomic(path, text.encode("utf-8", "backslashreplace"))


def write_json_atomic(path: str | os.PathLike[str], obj: object) -> Path:
    """Write ``obj`` as indented JSON, made plain by :func:`jsonable` (nan and inf become null).

    Raises:
        TypeError: a value has no JSON form; the text names its place. Nothing is written.
    """
    text = json.dumps(jsonable(obj), indent=2, ensure_ascii=False, allow_nan=False)
    return write_text_atomic(path, text + "\n")


def jsonable(obj: object, place: str = "value") -> Any:
    """``obj`` in JSON's own types: nan and inf are None, tuples and sets lists, paths text.

    NumPy scalars and arrays and tensors are taken by their ``tolist``. Sets are sorted.

    Args:
        obj: the value.
        place: how an error names the value.

    Raises:
        TypeError: a value of another type, named by its place.
        ValueError: two keys of a mapping have the same text.
    """
    if isinstance(obj, float):
        return float(obj) if math.isfinite(obj) else None
    if obj is None or isinstance(obj, (str, bool, int)):
        return obj
    if isinstance(obj, Mapping):
        items = {str(key): jsonable(value, f"{place}.{key}") for key, value in obj.items()}
        if len(items) < len(obj):
            raise ValueError(f"{place}: two keys have the same text among {list(obj)!r}")
        return items
    if isinstance(obj, (set, frozenset)):
        return jsonable(sorted(obj, key=repr), place)
    if isinstance(obj, Sequence) and not isinstance(obj, (bytes, bytearray)):
        return [jsonable(value, f"{place}[{i}]") for i, value in enumerate(obj)]
    if isinstance(obj, os.PathLike):
        return os.fsdecode(obj)
    if hasattr(obj, "tolist"):
        return jsonable(obj.tolist(), place)
    raise TypeError(
        f"{place}: a {type(obj).__name__} has no form in JSON; give text, numbers, lists or dicts"
    )


def environment() -> dict[str, Any]:
    """Where the run happened: versions, devices, the checkout's commit, the command line.

    Versions come from package metadata, so nothing is imported for them; a package that is not
    installed is None. CUDA devices are named only where torch is already imported. ``git`` is
    None where simlearn is not inside a checkout, else ``{"commit", "dirty"}``.
    """
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu_count": os.cpu_count(),
        "packages": {name: _version(names) for name, names in PACKAGES.items()},
        "cuda_devices": _cuda_devices(),
        "git": _git(Path(__file__).resolve()),
        "command": masked(sys.argv),
    }


def masked(arguments: Sequence[str]) -> list[str]:
    """Give a command line without secrets.

    ``api_key=x``, ``--token=x``, ``--token x``, ``{password: x}`` and ``user:x@host`` in a URL
    lose their value: whatever follows a key that contains key, token, secret or password.
    """
    out: list[str] = []
    flag = False
    for argument in arguments:
        if flag and not argument.startswith("--"):
            out.append(MASK)
            flag = False
            continue
        flag = bool(_SECRET_FLAG.fullmatch(argument))
        shown = _SECRET_VALUE.sub(rf"\g<1>{MASK}", argument)
        out.append(_USER_IN_URL.sub(rf"\g<1>{MASK}@", shown))
    return out


def _sync_folder(folder: Path) -> None:
    """Flush the rename itself where the system can (Windows cannot open a folder)."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    except OSError:  # some network file systems refuse it; the file itself is already flushed
        return
    finally:
        os.close(handle)


def _version(names: Sequence[str]) -> str | None:
    """Find the version of the first of several distributions that is installed."""
    for name in names:
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return None


def _cuda_devices() -> list[str]:
    """Names of the CUDA devices; empty where torch is not imported or sees none."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return []
    return [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]


def _git(file: Path) -> dict[str, Any] | None:
    """Commit of the checkout that tracks ``file`` and whether it differs from that commit."""
    git = shutil.which("git")
    if git is None or _ask_git(git, file.parent, "ls-files", "--error-unmatch", file.name) is None:
        return None
    commit = _ask_git(git, file.parent, "rev-parse", "HEAD")
    changed = _ask_git(git, file.parent, "status", "--porcelain")
    return None if commit is None else {"commit": commit, "dirty": bool(changed)}


def _ask_git(git: str, folder: Path, *arguments: str) -> str | None:
    """Output of one reading git command, None where it fails; a hook's GIT_DIR is ignored."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    try:
        done = subprocess.run(  # noqa: S603 (a fixed command; the path comes from which)
            [git, "--no-optional-locks", *arguments],
            cwd=folder,
            env=env,
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
