"""Which addresses of the network may be reached on behalf of a person or a model."""
