"""Words that every room shares: events, ids, money, dates, URLs, messages. No I/O."""
