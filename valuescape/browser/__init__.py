"""A run, or a report, in a browser: a server for one page, with a token, and a session that is shown there."""
