"""One module for each library whose checkpoints are read, with a `FORMAT` made by `found.library_format`."""
