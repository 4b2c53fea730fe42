"""Plain data as YAML that :func:`simlearn.config.yaml_file.read_yaml` reads back as it was."""

from __future__ import annotations

from typing import Any

from simlearn.config.yaml_file import plain_scalar


def dump_yaml(data: dict[str, Any]) -> str:
    """A mapping as block YAML in its own order; lists of plain values stand on one line.

    Args:
        data: None, bool, int, float, text, lists and mappings with text keys.

    Returns:
        The text, ending in a newline; ``{}`` and a newline for an empty mapping. Text that would
        read as a number, a boolean or null is quoted.

    Raises:
        yaml.YAMLError: anything else in it, or text with characters that YAML cannot hold.
    """
    import yaml

    class Dumper(yaml.SafeDumper):
        """SafeDumper without anchors, with this package's idea of what needs quotes."""

        def ignore_aliases(self, data: Any) -> bool:
            """Write every value out, however often it occurs."""
            return True

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        quoted = None if _stays_text(value) else "'"
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=quoted)

    def items(dumper: yaml.SafeDumper, value: list[Any]) -> yaml.SequenceNode:
        plain = not any(isinstance(item, list | dict) for item in value)
        return dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=plain)

    Dumper.add_representer(str, text)
    Dumper.add_representer(list, items)
    written: str = yaml.dump(data, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=100)
    return written


def _stays_text(value: str) -> bool:
    try:
        return isinstance(plain_scalar(value), str)
    except ValueError:
        return False
