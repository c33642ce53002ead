"""The scene: fields, trails, marks and glow of one frame."""
