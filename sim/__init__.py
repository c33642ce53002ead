"""The engine: worlds, policies, shared memory, workers. Knows nothing of OpenGL or windows."""
