"""Displays: a window, a headless framebuffer, a recorder, and the events they report."""
