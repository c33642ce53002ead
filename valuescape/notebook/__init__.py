"""Live views in notebooks: `valuescape.show`."""
