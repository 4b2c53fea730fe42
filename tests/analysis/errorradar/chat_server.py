"""A chat server on 127.0.0.1 for tests: behaves as a script says, and remembers what it was asked.

Started in the test (``with ChatServer(script) as server: server.base_url``) or on its own::

    python -m tests.analysis.errorradar.chat_server PORT_FILE LOG_FILE [SECONDS]

Then it writes its port into PORT_FILE and one line of JSON per request into LOG_FILE (``{"prompt",
"nth"}``, before it answers), and every reply takes SECONDS.

A script is called with the user's text and how often it was asked before plus one; it gives one of
the words below, some with a number behind a colon. Without a script all is "fine".

- fine: ``joint_reply(prompt)`` as content, with 11 and 7 tokens told
- slow:S: the same after S seconds
- say:TEXT: TEXT as content
- drip:S: the same, a byte every S seconds; drip head:S: so from the status line on
- 429:X, 503:X: with ``Retry-After: X``; 429, 500, 400, 404, 302 ...: with an error body
- echo:N: status N, and an error that repeats the Authorization header
- echo fine: the header as content and as name of the model
- cut head: the connection is closed before anything; cut body: in the middle of the body
- garbage: no JSON; short: half of a reply, rightly framed; no choices; null: content null
- parts: content in two parts; refusal: content null and a refusal; no usage: no numbers of tokens
- hostile: HTML and escape sequences as content and as name of the model
- huge: 9 MiB; bare 500: status without body
"""

from __future__ import annotations

import hashlib
import json
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

CATEGORIES = ("VIS", "CAL", "REAS", "KNOW", "MIS")  # written out: a process of its own starts fast
HOSTILE = '<script>alert(1)</script>\x1b[2J\x1b]0;owned\x07 {"step": 1}\u202e</pre>\x00'


def joint_reply(prompt):
    """The text that "fine" answers to a prompt: a step from 1 to 3 and a category."""
    digest = hashlib.sha256(prompt.encode("utf-8", "surrogatepass")).digest()
    return json.dumps({"step": 1 + digest[0] % 3, "category": CATEGORIES[digest[1] % 5]})


@dataclass(frozen=True)
class Asked:
    """One request: the user's text, its headers (names in small letters), its body, when."""

    prompt: str
    headers: dict
    body: dict
    at: float


class ChatServer:
    """Answers POST /v1/chat/completions.

    Attributes:
        asked: all requests so far, in the order in which they came.
        most_at_once: the most that were under way at one time.
    """

    def __init__(self, script=None, log=None, delay=0.0):
        self.script, self.log, self.delay = script or (lambda prompt, nth: "fine"), log, delay
        self.asked: list[Asked] = []
        self.counts: Counter = Counter()
        self.most_at_once = self._now = 0
        self._lock = threading.Lock()
        self._http = _Server(("127.0.0.1", 0), _Handler)
        self._http.chat = self
        self.port = self._http.server_address[1]
        self.base_url = f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self):
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error):
        self.close()

    def close(self):
        """Stop; what is under way is not waited for."""
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    @property
    def prompts(self):
        """The users' texts in the order in which they came."""
        return [one.prompt for one in self.asked]

    def arrive(self, headers, body):
        """Note a request; gives its prompt and what to do about it."""
        content = body["messages"][-1]["content"]
        prompt = content if isinstance(content, str) else content[0]["text"]
        named = {name.lower(): value for name, value in headers.items()}
        with self._lock:
            self.asked.append(Asked(prompt, named, body, time.monotonic()))
            self.counts[prompt] += 1
            nth = self.counts[prompt]
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
            if self.log is not None:
                with Path(self.log).open("a") as file:
                    file.write(json.dumps({"prompt": prompt, "nth": nth}) + "\n")
        time.sleep(self.delay)
        return prompt, self.script(prompt, nth)

    def leave(self):
        """Note the end of a request."""
        with self._lock:
            self._now -= 1


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def handle_error(self, request, client_address):
        """The client is gone: tests break connections off."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *words):
        """Nothing on the terminal."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path != "/v1/chat/completions":
            self.send(404, {"detail": f"no {self.path} here"})
            return
        prompt, word = self.server.chat.arrive(self.headers, body)
        left = threading.Event()

        def leave():
            if not left.is_set():
                left.set()
                self.server.chat.leave()

        self.leave = leave
        try:
            self.behave(prompt, *word.split(":", 1))
        finally:
            leave()

    def behave(self, prompt, word, more=""):
        """Answer as the word says."""
        self.close_connection = True
        if word == "slow":
            time.sleep(float(more))
        if word in ("fine", "slow"):
            self.send(200, completion(joint_reply(prompt)))
        elif word == "say":
            self.send(200, completion(more))
        elif word in ("drip", "drip head"):
            self.drip(completion(joint_reply(prompt)), float(more), head=word == "drip head")
        elif word.isdigit():
            extra = {"Retry-After": more} if more else {}
            extra |= {"Location": "http://127.0.0.1:9/"} if word[0] == "3" else {}
            self.send(int(word), {"error": {"message": f"status {word} for you"}}, extra)
        elif word == "echo":
            said = {"error": {"message": f"bad key {self.headers['Authorization']}\x1b[1m"}}
            self.send(int(more), said)
        elif word == "echo fine":
            self.send(200, {**completion(key := self.headers["Authorization"]), "model": key})
        elif word in ODD:
            self.send(200, ODD[word](prompt))
        else:
            self.break_off(prompt, word)

    def break_off(self, prompt, word):
        """Answer with less than a response."""
        self.leave()
        if word == "bare 500":
            self.head(500, 0)
        elif word == "cut body":
            whole = json.dumps(completion(joint_reply(prompt))).encode()
            self.head(200, len(whole))
            self.wfile.write(whole[: len(whole) // 2])
        elif word != "cut head":
            raise ValueError(f"no behaviour {word!r}")

    def send(self, status, content, extra=()):
        """A whole response."""
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.leave() if hasattr(self, "leave") else None
        self.head(status, len(data), extra)
        self.wfile.write(data)

    def head(self, status, length, extra=()):
        """Status line and headers."""
        self.send_response(status)
        for name, value in dict(extra).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.send_header("Connection", "close")
        self.end_headers()

    def drip(self, content, pause, *, head):
        """A response byte by byte."""
        data = json.dumps(content).encode()
        if head:
            data = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(data) + data
        else:
            self.head(200, len(data))
        for at in range(len(data)):
            self.wfile.write(data[at : at + 1])
            time.sleep(pause)


def completion(text, **message):
    """A chat completion."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "served-1",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text, **message},
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
    }


ODD = {
    "garbage": lambda prompt: b"<html>Bad gateway\x1b[2J</html>",
    "short": lambda prompt: json.dumps(completion(prompt)).encode()[:40],
    "no choices": lambda prompt: {"choices": [], "model": "served-1"},
    "null": lambda prompt: completion(None),
    "parts": lambda prompt: completion([{"type": "text", "text": t} for t in ("Step ", "2")]),
    "refusal": lambda prompt: completion(None, refusal="I would rather not"),
    "no usage": lambda prompt: {**completion(joint_reply(prompt)), "usage": None},
    "hostile": lambda prompt: {**completion(HOSTILE), "model": HOSTILE},
    "huge": lambda prompt: completion("a" * (9 * 2**20)),
}


def main(port_file, log_file, delay="0"):
    """Serve until the process is ended."""
    server = ChatServer(log=log_file, delay=float(delay))
    beside = Path(port_file).with_suffix(".tmp")
    beside.write_text(str(server.port))
    beside.replace(port_file)
    server._http.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
