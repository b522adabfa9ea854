"""For trying it: the local servers, the demo, sample data."""
