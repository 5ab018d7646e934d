"""The tools half of coldcache: what runs on a laptop or in CI, never inside a function."""
