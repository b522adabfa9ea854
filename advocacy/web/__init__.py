"""HTTP: webhooks, tracking links, the API and the dashboard."""
