"""Analyses whose episodes and rollouts are made in processes on the nodes of a cluster."""
