"""The hot tier: how a live thread lies in Redis."""
