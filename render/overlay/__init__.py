"""The overlay: text, axes, legends and cards over the picture, in one draw."""
