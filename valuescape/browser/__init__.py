"""The run in a browser: a display on a page, and the server that serves it."""
