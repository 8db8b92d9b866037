"""Who provides models, which ones, at what price, and under which names."""
