"""Displays: a window, a headless one, a recorder, and the events that displays report."""
