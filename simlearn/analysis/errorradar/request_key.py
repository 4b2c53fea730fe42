"""By what a kept reply is found again: one digest of everything that it depends on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from simlearn.data.errors import DataError


def request_key(
    identity: Mapping[str, object], *, variant: str, system: str, text: str, image_digest: str
) -> str:
    """The key of a request, 64 hex digits; another one where any part is another.

    It is the SHA-256 of one JSON list of the parts, so no text can run into the next one. Two
    records with the same prompt and picture have the same key: they share a reply.

    Args:
        identity: of the endpoint's session: plain JSON values under text keys, in any order.
            ``1`` and ``1.0`` are two values.
        variant: of the request.
        system: of the request.
        text: of the request; may hold anything, lone surrogates too.
        image_digest: what :func:`image_digest` gives; ``""`` for no picture.

    Raises:
        ValueError: ``identity`` holds something that is no JSON value, or nan or an infinity.
    """
    parts = [identity, variant, system, text, image_digest]
    try:
        _check(identity)
        line = json.dumps(parts, sort_keys=True, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"identity must hold plain JSON values: {error}") from error
    return hashlib.sha256(line.encode("utf-8", "surrogatepass")).hexdigest()


def image_digest(image: Path | bytes | None) -> str:
    """The SHA-256 of a picture's bytes, 64 hex digits; ``""`` for none.

    Args:
        image: a file or its bytes; both give the same digest.

    Raises:
        DataError: the file cannot be read.
    """
    if image is None:
        return ""
    if isinstance(image, bytes):
        return hashlib.sha256(image).hexdigest()
    try:
        with image.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(
            f"{str(image)!r}: the picture cannot be read ({reason}); put it back or leave the "
            "problem out"
        ) from error


def _check(value: object) -> None:
    """Refuse mappings whose keys are no text: JSON would make text of them."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise TypeError(f"the key {key!r} is no text")
            _check(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            _check(inner)
