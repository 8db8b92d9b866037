"""The whole stack: through nginx, in a browser, and while its processes are killed."""
