"""Jobs: work that follows from something, stored where that is stored, done by any worker, never lost."""
