"""The one error of this package: everything that is wrong with a configuration, at once."""

from __future__ import annotations

from collections.abc import Iterable


def visible(text: str) -> str:
    """The text with control characters written out, so that a file cannot steer the terminal."""
    return "".join(c if c.isprintable() or c == "\n" else f"\\x{ord(c):02x}" for c in text)


class ConfigError(ValueError):
    """A configuration that cannot be used.

    Args:
        faults: one sentence per fault, each naming its source and the way out; a single string
            counts as one fault. Repeated sentences are kept once. At least one is needed.

    Attributes:
        faults: the sentences, in the order in which they should be read.

    Raises:
        ValueError: no fault was given.
    """

    def __init__(self, faults: str | Iterable[str]) -> None:
        listed = [faults] if isinstance(faults, str) else list(dict.fromkeys(faults))
        if not listed:
            raise ValueError("a ConfigError needs at least one fault")
        listed = [visible(fault) for fault in listed]
        super().__init__("\n".join(listed))
        self.faults: list[str] = listed

    def __reduce__(self) -> tuple[type[ConfigError], tuple[list[str]]]:
        """Copies and process boundaries keep the list (the default would keep the text only)."""
        return type(self), (self.faults,)
