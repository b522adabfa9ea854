"""Tracking links and clicks: making links, logging clicks, loading them into the database."""
