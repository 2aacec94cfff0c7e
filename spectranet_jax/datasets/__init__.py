"""A dataset folder on disk: records, manifest, shards, checksums. No JAX."""
