"""Signs of faults in texts, as functions of a column of texts or of one text; the detectors count what these find."""
