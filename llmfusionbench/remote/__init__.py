"""Files that are read from afar: ranges of bytes from a store, kept in a cache by content, as files that Arrow can read."""
