"""Reports by e-mail: subscriptions, content, rendering, outbox."""
