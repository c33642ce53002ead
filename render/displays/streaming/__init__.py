"""A display's pictures and events as messages to and from a browser, whatever carries them."""
