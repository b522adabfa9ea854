"""What the figures are: data only, no formatting."""
