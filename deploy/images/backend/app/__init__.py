"""The names under which the operations guide knows the backend; they exist in its container only."""
