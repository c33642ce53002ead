"""The networks of a training run in shared memory, for viewers in other processes.

The trainer's side is `publisher.publish`, the viewers' `subscription.Subscription`.
"""
