"""Read tables in files: CSV of any encoding and separator, workbooks, ZIP.

`table.open_table` is the only way to open one, so that every page and command reads a file the same
way.
"""
