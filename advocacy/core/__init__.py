"""Types and functions that all other packages share. No I/O.

`events` has what passes between packages (`Delivery`, `ActionEvent`, `Touch`, `Credit`), `ids`,
`money`, `dates` and `urls` have the basic types, `contacts` and `tracking_parameters` read what
tools send, `personal_data` and `minimization` decide what may be stored, `messages` has texts that
can be translated, and `tabular` opens files with tables.
"""
