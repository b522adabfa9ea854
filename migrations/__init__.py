"""Migrations of the database, numbered and linear."""
