"""The cost of a frame: ledger, breakdown, alarms, profile files."""
