"""A small report of each kind that `compare` reads."""

CELL = {"workers": 2, "agents": 1000, "ticks_per_s": [10.0, 30.0], "frame_ms_p95": [20.0, None], "fps": [9.0]}
TRIAL = {"load": 1000, "fps": 50.0, "frame_ms_p95": 20.0, "broken": []}

ESTIMATE = {"value": -100.0, "low": -102.0, "high": -98.0}

REPORTS = {
    "run": {
        "health": {"fps_std": True, "memory": False},
        "fps_mean": 50.0,
        "fps_std": 0.4,
        "frame_ms_p95": 24.0,
        "memory_mb_per_min": None,
        "frame_parts_ms": {"surface": 5.5, "trails": 3.8},
        "machine": {"processor": "AMD EPYC", "cores": 2},
        "versions": {"python": "3.11.7", "numpy": "2.4.6"},
        "gl_renderer": "llvmpipe",
        "config": {"world": {"name": "pendulum"}, "render": {"view": "3d"}, "agents": {"count": 240}},
    },
    "analysis": {
        "mean_return": ESTIMATE,
        "q_bias": {"value": 0.5, "low": 0.2, "high": 0.8},
        "explained_variance": {"value": None, "low": None, "high": None},
        "world": "mountain_car",
        "gamma": 0.98,
        "episodes": 512,
        "cells": 256,
        "seed": 0,
    },
    "scale": {"plan": {"workers": [0, 2], "seconds": 1.0}, "cells": [CELL, CELL | {"agents": 10}]},
    "stress": {"load": "agents", "carried": 1000, "broke": None, "trials": [TRIAL]},
    "soak": {"memory_mb_per_min": 0.5, "grows": ["files: 9 more"], "samples": [{"at_s": 9.0, "fps": None}]},
    "chaos": {"rounds": 5, "killed": 4, "stopped": 6, "restarts": 10, "differing": [3]},
    "impact": {
        "switches": [{"switch": "trail_lod", "agrees": "pictures equal"}],
        "variants": [{"name": "all on", "fps": [50.0], "frame_ms_p95": [20.0]}],
    },
    "bench": {"benchmarks": [{"name": "heights: loop, 100", "median_us": 10.0}]},
}
