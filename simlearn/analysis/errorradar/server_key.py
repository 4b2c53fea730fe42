"""The key of a server: taken from the environment, never shown."""

from __future__ import annotations

import os
import re

from simlearn.analysis.errorradar.endpoint import EndpointError

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
LONGEST_NAME = 64
LONGEST_MIXED_NAME = 24
"""Names with small letters that are longer look like a key."""


def check_key_env(name: str) -> None:
    """Refuse what cannot be the name of an environment variable.

    Names that look like a key (long and with small letters) are refused too: some keys hold only
    letters, digits and underscores, and a name is shown in messages and kept in files.

    Raises:
        ValueError: the text does not repeat the name, which may be the key itself.
    """
    mixed = name.upper() != name
    if not _NAME.fullmatch(name) or len(name) > (LONGEST_MIXED_NAME if mixed else LONGEST_NAME):
        raise ValueError(
            "endpoint.key_env is not the name of an environment variable (it is not shown here: "
            "it may be the key itself). Put the key into a variable, export MY_KEY=..., and set "
            "endpoint.key_env=MY_KEY"
        )


def read_key(name: str) -> str:
    """The key in an environment variable, without white space at its ends.

    Raises:
        EndpointError: the variable is not set or empty, or holds what no header can carry.
    """
    key = os.environ.get(name, "").strip()
    if not key:
        raise EndpointError(
            f"endpoint.key_env: the environment variable {name} is not set; set it with\n"
            f"    export {name}=YOUR_KEY"
        )
    if not all("!" <= letter <= "~" for letter in key):
        raise EndpointError(
            f"endpoint.key_env: the environment variable {name} holds white space or letters "
            "beyond ASCII, which no key has; set it again"
        )
    return key
