"""The stages that make a release from log records: intake, normalise, spill, assemble, write shards."""
