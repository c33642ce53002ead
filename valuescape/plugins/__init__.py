"""Plug-ins that run in the main process: called with frames and ticks, and what they ask for."""
