"""Trail rows of many agents reduced to cells over the map, outside of OpenGL."""
