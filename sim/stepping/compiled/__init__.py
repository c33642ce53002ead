"""Compiled steppers: the ticks, policies and waiting of `features.simd`. Needs numba."""
