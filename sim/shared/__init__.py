"""Memory that processes share: its layout, the arena, episodes, orders to workers, turns."""
