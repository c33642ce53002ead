"""Map layers: what can be drawn over the plane of states. One file a map, and the registry of all."""
