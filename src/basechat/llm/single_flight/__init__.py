"""Single flight: identical requests at the same time share one completion, also over several processes."""
