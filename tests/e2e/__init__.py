"""The whole stack as people and programs meet it: through nginx, in a browser, and while its processes are killed."""
