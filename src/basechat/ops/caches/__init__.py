"""The caches as administrators see them: how well they do, what they take, and how they are emptied."""
