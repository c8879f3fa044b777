"""Reading files, and writing files and directories atomically."""
