"""Custom extensions and calls of the client: subclasses of Prefect's classes, requests and what they answer."""

from __future__ import annotations

from migrator.rules.base import Rule
from migrator.rules.extensions.client import RULES as _CLIENT
from migrator.rules.extensions.overridden import RULES as _OVERRIDDEN
from migrator.rules.extensions.urls import RULES as _URLS

RULES: tuple[Rule, ...] = (*_OVERRIDDEN, *_CLIENT, *_URLS)
