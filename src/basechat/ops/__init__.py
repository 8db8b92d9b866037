"""Operation: health, metrics, the caches, and the documented settings."""
