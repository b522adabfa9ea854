"""Outgoing webhooks: events as signed requests, and as messages for Slack and Teams."""
