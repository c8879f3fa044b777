"""Reading files of any origin into records: one file format or one kind of value per module."""
