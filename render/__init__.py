"""Drawing what `gpu` prepared: camera, layers, labels; window, headless display, recorder."""
