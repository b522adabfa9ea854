"""The dashboard, one module a page."""
