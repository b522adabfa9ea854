"""Advocacy action tracker: what a nonprofit's social posts set in motion.

`docs/architecture.md` has the rooms of this package and the way of a webhook through them.
"""
