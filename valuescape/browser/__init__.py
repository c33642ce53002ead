"""A run, or a report, in a browser: a server with a token, and a session that is shown by its page."""
