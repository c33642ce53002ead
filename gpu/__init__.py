"""OpenGL: contexts, buffers, compute passes, map layers. Draws nothing, opens no window."""
