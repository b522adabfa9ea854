"""Translate each tool's webhooks and exports into statements about actions.

Pure. One adapter module for each tool, all with the interface of `adapter.Provider`; `BY_SLUG`
finds one by its slug. `README.md` in this folder explains how to add one.
"""

from __future__ import annotations

from typing import cast

from advocacy.providers import (
    actblue,
    action_network,
    controlshift,
    generic,
    nationbuilder,
    proca,
    standard_webhooks,
    stripe,
    twilio,
)
from advocacy.providers.adapter import Provider

PROVIDERS: tuple[Provider, ...] = tuple(
    cast(Provider, provider)
    for provider in (
        action_network,
        actblue,
        stripe,
        twilio,
        nationbuilder,
        controlshift,
        proca,
        standard_webhooks,
        generic,
    )
)
BY_SLUG: dict[str, Provider] = {provider.slug: provider for provider in PROVIDERS}
