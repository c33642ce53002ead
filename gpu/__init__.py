"""OpenGL: context, buffers and compute passes. Knows `sim`'s layouts; draws nothing, opens no window."""
