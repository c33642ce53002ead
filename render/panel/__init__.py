"""The panel of live settings, with Dear ImGui."""
