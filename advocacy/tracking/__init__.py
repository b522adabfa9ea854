"""Make tracking links, log clicks, and load clicks into the database.

`links.LinkMaker` makes links (`link_sheet` for many at once), `user_agents.is_person` tells people
from programs, `click_log.ClickLog` writes a click to disk before its redirect is answered, and
`click_loader.ship` loads the log into PostgreSQL.
"""
