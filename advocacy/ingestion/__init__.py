"""How a webhook becomes a counted action: receive, store, parse, reconcile, attribute, count."""
