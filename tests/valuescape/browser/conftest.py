"""Servers of pages that tests knock at."""

import pytest

from valuescape.browser.server import Server
from valuescape.browser.site import page_site
from valuescape.render.displays.streaming.audience import Audience


@pytest.fixture
def audience():
    with Audience((64, 36)) as audience:
        yield audience


@pytest.fixture
def served(audience):
    with Server(page_site(), audience, "127.0.0.1", 0) as running:
        yield running
