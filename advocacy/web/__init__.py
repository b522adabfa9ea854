"""The doors: webhooks, tracking links, the API, the dashboard. They call verbs and `store`."""
