"""Runs whose agents are stepped on the nodes of a cluster; only `ray_nodes` and `connecting` know Ray."""
