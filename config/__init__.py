"""What an operator can set, and the settings of the servers."""
