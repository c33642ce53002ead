"""Analysis of a checkpoint: the truth beside the belief."""
