"""Tables that people bring as files: CSV of any encoding and separator, workbooks, ZIP.

One opener for all of them, `table.open_table`, so that what one page or command reads, every other
reads the same.
"""
