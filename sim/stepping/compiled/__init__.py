"""Compiled steppers: ticks, policies and waiting as machine code (`features.simd`). Needs numba."""
