"""Makes pictures, figures, videos and maps again that say how they were made, and compares both."""
