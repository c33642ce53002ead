"""The cost of frames: ledger, breakdown, advice, alarms, card, profile files."""
