"""Environments that may start, one for each profile."""

from typing import Any

APP = "00000000-0000-4000-8000-00000000b07a"
TENANT = "00000000-0000-4000-8000-0000000000e1"
OTHER = "00000000-0000-4000-8000-0000000000e2"
PASSWORD = "made-up-password-of-the-app"
AUDIT_KEY = "made-up-audit-key-" + "0" * 32
OLD_KEY = "made-up-old-key-" + "1" * 32
NEW_KEY = "made-up-new-key-" + "2" * 32
SECRETS = (PASSWORD, AUDIT_KEY, OLD_KEY, NEW_KEY)

PRODUCTION: dict[str, Any] = {
    "APP_ID": APP,
    "APP_TENANT_ID": TENANT,
    "APP_PASSWORD": PASSWORD,
    "CONFIG_DIR": "/etc/signalbox",
    "AUDIT_KEY": AUDIT_KEY,
    "SECRET_KEYS": f"{NEW_KEY}, {OLD_KEY}",
}
TEST: dict[str, Any] = {"PROFILE": "test", "APP_ID": APP}
DEMO: dict[str, Any] = {"PROFILE": "demo"}
