"""All SQL. Only `session.transaction()` commits.

Every statement that writes or locks names one `org_id`, so that the same statements run on a
database distributed by organization.
"""
