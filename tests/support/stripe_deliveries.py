"""Signed deliveries of Stripe."""

from __future__ import annotations

import time

STRIPE_SECRET = "whsec_rehearsal_stripe"


def stripe(world, body: bytes):
    import stripe as library

    # Signed when sent: a whole run takes longer than a signature is valid.
    stamp = int(time.time())
    signature = library.WebhookSignature._compute_signature(
        f"{stamp}.{body.decode()}", STRIPE_SECRET
    )
    return world.post("stripe", body, {"Stripe-Signature": f"t={stamp},v1={signature}"})
