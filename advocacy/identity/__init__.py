"""Who is who: keyed hashes of contact details, and which of them are one person."""
