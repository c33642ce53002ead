"""The view: cameras, picking, selections, and the viewer's state."""
