"""The caches for administrators: hit rates, sizes, and emptying them."""
