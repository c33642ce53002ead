"""Sources of maps that the processor computes while a run goes on."""
