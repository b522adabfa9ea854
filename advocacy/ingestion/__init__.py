"""Turn webhooks into counted actions.

`receive.receive_batch` verifies deliveries and stores them in the inbox. `drain.drain_backlog`
parses them in batches, and `pipeline.apply_batch` reconciles, resolves people, attributes and
updates the totals. Around these: `csv_import.import_rows` for a tool's exports, `drain.rebuild`
from the stored deliveries, `erasure.erase` for one person, `replay.put_back` for quarantined
deliveries, and `integration_test.run_integration_test` before a launch.
"""
