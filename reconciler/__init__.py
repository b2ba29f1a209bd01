"""Access in Emporix as reviewed code: read YAML, read the service, plan, apply, remember."""

__version__ = "0.1.0"
