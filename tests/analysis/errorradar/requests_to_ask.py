"""Requests for tests of endpoints."""

from __future__ import annotations

import base64

from simlearn.analysis.errorradar.endpoint import Request
from simlearn.analysis.errorradar.openai_server import OpenAIServer
from simlearn.analysis.errorradar.request_key import request_key

KEY = "sk-Test/4+very.secret_0123"
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)


def request(text, number=0, **changes):
    """A joint request with a text."""
    key = request_key({"n": number}, variant="", system="", text=text, image_digest="")
    fields = {"key": key, "id": f"r{number}", "task": "joint", "variant": "", "system": ""}
    return Request(**{**fields, "text": text, **changes})


def requests(count):
    """Requests with the texts "prompt 0", "prompt 1", ..."""
    return [request(f"prompt {i}", i) for i in range(count)]


def endpoint(server, **changes):
    """An endpoint for a :class:`ChatServer` that does not wait long before it tries again."""
    fields = {"base_url": server.base_url, "model": "tiny", "backoff_s": 0.01, "timeout_s": 10.0}
    return OpenAIServer(**{**fields, **changes})
