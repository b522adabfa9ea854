"""Reports as flat tables, CSV and workbooks."""
