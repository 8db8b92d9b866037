"""Services by the operations guide's names."""
