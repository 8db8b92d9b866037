"""The assistant's side of tools: which are offered, how a call is made, and what the model is told of it."""
