"""Making a new release from an old one: re-scoring and recounting tokens, shard by shard, resumable."""
