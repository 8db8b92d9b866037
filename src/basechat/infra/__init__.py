"""The only code that holds a driver."""
