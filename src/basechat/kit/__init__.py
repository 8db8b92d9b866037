"""Pure building blocks without product terms and without I/O, except settings and logging."""
