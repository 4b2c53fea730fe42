"""The picture and the sound of a question, decoded when they are needed."""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from simlearn.data.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image

    from simlearn.data.questions import Question

MAX_RATE = 384_000
"""Most samples a second of a sound; a damaged header may state any number."""

_WAY_OUT = "Copy the file again, or leave the question out"


def load_image(question: Question) -> Image:
    """The picture of a question, RGB, turned as its EXIF data say.

    Args:
        question: with ``image``, a file that Pillow reads or uint8 ``(H, W, 3)``.

    Returns:
        An RGB image of ``W`` x ``H`` pixels, on white where it is transparent.

    Raises:
        DataError: naming the question and the file: there is no picture, it is missing, cut
            short, no image or larger than Pillow's limit; or the array has another form.
    """
    from PIL import Image, ImageOps

    source = question.image
    if source is None:
        raise DataError(f"question {question.id!r} has no image")
    if isinstance(source, np.ndarray):
        if source.dtype != np.uint8 or source.ndim != 3 or source.shape[2] != 3 or not source.size:
            raise DataError(
                f"question {question.id!r}: its image is {source.dtype} {source.shape}, must be "
                "uint8 (H, W, 3)"
            )
        return Image.fromarray(source)
    try:
        with Image.open(source) as file:
            return on_white(ImageOps.exif_transpose(file))
    except Exception as error:  # Pillow raises almost anything on damaged files
        raise _unreadable(question, source, "an image", error) from error


def on_white(image: Image) -> Image:
    """An image as RGB, laid on white where it is transparent.

    Figures are often black lines on nothing: without a ground they would be black all over.

    Args:
        image: of any mode.
    """
    import PIL.Image

    if not image.has_transparency_data:
        return image.convert("RGB")
    seen = image.convert("RGBA")
    ground = PIL.Image.new("RGBA", seen.size, "white")
    return PIL.Image.alpha_composite(ground, seen).convert("RGB")


def load_audio(question: Question, rate: int) -> np.ndarray:
    """The sound of a question, one channel at ``rate`` samples a second.

    Several channels become their mean. Another rate is reached with SciPy's polyphase filter
    (``scipy.signal.resample_poly``). WAV files are read by SciPy, all others by soundfile.

    Args:
        question: with ``audio``, a file or a floating-point ``(S,)`` with its ``rate``.
        rate: samples a second that are wanted.

    Returns:
        float32 ``(ceil(S * rate / rate of the source),)``; a full-scale file lies in [-1, 1].

    Raises:
        DataError: naming the question and the file: there is no sound, it is missing, damaged,
            cut short, empty, not finite or of an odd rate, or the package that reads it is not
            installed; or the array has another form or no rate.
        ValueError: ``rate`` is below 1.
    """
    if rate < 1:
        raise ValueError(f"rate is {rate}, must be at least 1 sample a second")
    samples, own = _samples(question)
    if not samples.size or not np.isfinite(samples).all():
        what = "is not finite" if samples.size else "holds no sample"
        raise DataError(f"question {question.id!r}: its sound {what}. {_WAY_OUT}")
    if not 1 <= own <= MAX_RATE:
        raise DataError(
            f"question {question.id!r}: its sound has {own} samples a second, must be from 1 to "
            f"{MAX_RATE}. {_WAY_OUT}"
        )
    return resample(samples, own, rate)


def resample(samples: np.ndarray, source: int, rate: int) -> np.ndarray:
    """A signal at another rate.

    Args:
        samples: ``(S,)``, at least one.
        source: samples a second that ``samples`` has.
        rate: samples a second that are wanted.

    Returns:
        float32 ``(ceil(S * rate / source),)``; the same values where the rates are equal.
    """
    if source == rate:
        return np.ascontiguousarray(samples, dtype=np.float32)
    from scipy.signal import resample_poly

    common = math.gcd(source, rate)
    moved = resample_poly(samples.astype(np.float64), rate // common, source // common)
    return moved.astype(np.float32)


def _samples(question: Question) -> tuple[np.ndarray, int]:
    """The sound as it is stored: floats ``(S,)`` and the samples a second."""
    source = question.audio
    if source is None:
        raise DataError(f"question {question.id!r} has no audio")
    if isinstance(source, np.ndarray):
        if source.dtype.kind != "f" or source.ndim != 1:
            raise DataError(
                f"question {question.id!r}: its audio is {source.dtype} {source.shape}, must be "
                "float32 (S,)"
            )
        if question.rate is None:
            raise DataError(f"question {question.id!r}: its audio has no rate; give Question.rate")
        return source, question.rate
    read = _read_wav if Path(source).suffix.lower() == ".wav" else _read_sound
    try:
        samples, rate = read(Path(source))
    except ModuleNotFoundError as error:
        raise DataError(
            f"question {question.id!r}: {source}: a {Path(source).suffix} file needs the package "
            "soundfile: pip install 'simlearn[analysis]'"
        ) from error
    except Exception as error:  # SciPy and libsndfile raise almost anything on damaged files
        raise _unreadable(question, source, "a sound", error) from error
    return (samples.mean(axis=1) if samples.ndim > 1 else samples), rate


def _read_wav(path: Path) -> tuple[np.ndarray, int]:
    """Floats ``(S,)`` or ``(S, channels)`` and the rate of a WAV file; one cut short fails."""
    from scipy.io import wavfile

    with warnings.catch_warnings():
        warnings.simplefilter("error", wavfile.WavFileWarning)
        warnings.filterwarnings("ignore", "Chunk.*not understood", wavfile.WavFileWarning)
        rate, data = wavfile.read(path)
    if data.dtype.kind == "u":
        return data / 128.0 - 1, int(rate)
    return (data / -float(np.iinfo(data.dtype).min) if data.dtype.kind == "i" else data), int(rate)


def _read_sound(path: Path) -> tuple[np.ndarray, int]:
    """Floats ``(S, channels)`` and the rate of a file that libsndfile reads (FLAC, OGG, ...)."""
    import soundfile

    path.stat()  # libsndfile does not say that a file is missing
    with soundfile.SoundFile(path) as file:
        samples = file.read(dtype="float32", always_2d=True)
        if len(samples) < file.frames:
            raise ValueError(f"it is cut short: {len(samples)} of {file.frames} samples")
        return samples, int(file.samplerate)


def _unreadable(question: Question, path: Path, what: str, error: Exception) -> DataError:
    """The error for a file that does not open."""
    reason: Any = error.strerror if isinstance(error, OSError) and error.strerror else error
    return DataError(
        f"question {question.id!r}: {path}: cannot be read as {what} "
        f"({type(error).__name__}: {reason}). {_WAY_OUT}"
    )
