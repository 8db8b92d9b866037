"""The prompt of an answer: the part of a chat that goes to the model, within the model's window."""
