"""`router.yaml`: Apollo Router's keys, and a few of ours where Apollo has none.

    read_config(path) / parse_config(text) -> RouterConfig

Only keys that work are known; any other is an error that names it. docs/router.md has the table of them.
"""

from router.config.load import parse_config, read_config
from router.config.model import RouterConfig

__all__ = ["RouterConfig", "parse_config", "read_config"]
