"""The intent of a message: which tools the model is offered for it."""
