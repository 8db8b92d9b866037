"""The prompt of an answer: what of a chat goes to the model, and how it keeps within the model's window."""
