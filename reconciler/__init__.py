"""Access in Emporix as reviewed code: read YAML, read the service, plan, apply, remember."""
