"""Programs for working on the code; not part of the package."""
