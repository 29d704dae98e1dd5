"""`router.yaml`: Apollo Router's keys, and a few of ours where Apollo has none.

    read_config(path) / parse_config(text) -> RouterConfig

Only keys that work are known; any other is an error that names it. Ours beside Apollo's: `limits.max_selections`,
`traffic_shaping.*.retry`, `traffic_shaping.*.circuit_breaker`, `rate_limit`, `signed_context`, `sandbox.bundle`,
`sandbox.examples`, `subscription.{heartbeat_interval, connection_init_timeout, max_per_socket}`,
`expose_query_plan`, `rest`.
"""

from router.config.load import parse_config, read_config
from router.config.model import RouterConfig

__all__ = ["RouterConfig", "parse_config", "read_config"]
