"""Calls plug-ins of the main process with frames and ticks, and collects the changes that they ask for."""
