"""What calls of models used and cost."""
