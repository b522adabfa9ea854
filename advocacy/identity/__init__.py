"""Decide who is who.

`hashing.digests` turns contact details into keyed hashes, `graph.partition` decides which of them
are one person (pure), and `resolution.join_people` applies that to a batch in the database.
`key_check.KeyCheck` verifies that the secret key is the one that the data was stored with.
"""
