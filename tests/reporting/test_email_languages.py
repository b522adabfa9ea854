"""Mail in French and Spanish: nothing of a report or an alert is left in English."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta

import pytest
from flask_babel import force_locale

from advocacy.analytics.weekly_figures import WeeklySummary
from advocacy.analytics.weekly_summary import summarize
from advocacy.core import periods
from advocacy.reporting.email import render, weekly_content
from advocacy.storage import organizations
from tests.support.pages import pieces_in_english
from tests.support.translations import LANGUAGES

NOW = datetime.now(UTC).replace(microsecond=0)


def words_of(part: object) -> list[str]:
    """Return every text of a sheet."""
    if isinstance(part, str):
        return [part]
    if is_dataclass(part):
        names = {each.name for each in fields(part)} - {"url", "kind", "chart"}
        return [word for name in names for word in words_of(getattr(part, name))]
    return [word for each in part for word in words_of(each)] if isinstance(part, tuple) else []


@pytest.fixture
def figures(world) -> WeeklySummary:
    who = {"email": "canary@example.org"}
    click = world.click("x", at=NOW - timedelta(hours=2))
    world.act("signature", "m1", id="s1", click_id=click, at=NOW - timedelta(hours=1), **who)
    world.act("donation", "m2", id="d1", amount="25.00", referrer="https://t.co/", at=NOW, **who)
    world.act("donation.refunded", "m3", id="d1", amount="10.00", at=NOW)
    world.drain()
    organization = organizations.find_organization(world.org_id)
    return summarize(organization, None, periods.seven_days_until((NOW + timedelta(days=1)).date()))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_report_and_its_pdf_are_wholly_in_the_readers_language(world, figures, language):
    with force_locale(language):
        sheet = weekly_content.weekly_sheet(figures, "https://example.org")
        assert render.pdf(sheet, figures, language).startswith(b"%PDF")
        laid_out = render.html(sheet, language, {})
    assert f'<html lang="{language}">' in laid_out
    assert pieces_in_english(words_of(sheet), language) == []
    says = {"fr": "Actions par type", "es": "Acciones por tipo"}
    assert says[language] in laid_out
