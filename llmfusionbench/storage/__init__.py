"""Files and directories that are written atomically: complete, or not there."""
