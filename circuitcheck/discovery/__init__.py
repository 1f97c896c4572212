"""Discovery: from prompts and a model to nodes worth a claim."""

from circuitcheck.discovery.scan import Scan, active_features, heads_of, scan

__all__ = ["Scan", "active_features", "heads_of", "scan"]
