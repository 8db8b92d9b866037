"""Who provides models, which ones, and under which names."""
