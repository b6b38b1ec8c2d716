"""An environment with nothing of ours in it, and settings read from what a test puts there."""

from collections.abc import Callable
import os
from pathlib import Path

import pytest

from bot.settings import PREFIX, Settings, read_settings
from tests.settings.environments import TENANT


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.upper().startswith(PREFIX):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Settings]:
    """Settings from variables, given without their prefix; None takes one away."""

    def settings_from(**variables: str | None) -> Settings:
        for name, value in variables.items():
            if value is not None:
                monkeypatch.setenv(f"{PREFIX}{name}", value)
        return read_settings()

    return settings_from


@pytest.fixture
def tenant() -> str:
    return TENANT
