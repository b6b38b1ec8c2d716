"""Profile `test`, as a process of its own: only who holds a right token is listened to."""

import asyncio
from collections.abc import AsyncIterator
import json
import os
from pathlib import Path
import shutil
import socket
import sys
from typing import Any

import aiohttp
import jwt
import pytest

from bot.system import SystemClock
from sandbox.entra import Issuer, new_private_key
from tests.scenarios.bot_connector import BOT, CHANNEL, BotConnector
from tests.scenarios.product import ROOT, Product, free_port

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(120)]

APP = BOT.removeprefix("28:")
FOREIGN = "00000000-0000-4000-8000-00000000ffff"


class Served(Product):
    """`signalbox serve` with the profile `test`."""

    issuer: Issuer

    @property
    def env(self) -> dict[str, str]:
        clean = {k: v for k, v in os.environ.items() if not k.startswith("SIGNALBOX_")}
        return {
            **clean,
            "SIGNALBOX_PROFILE": "test",
            "SIGNALBOX_APP_ID": APP,
            "SIGNALBOX_APP_PASSWORD": "a secret of the test",
            "SIGNALBOX_LOGIN_URL": self.issuer.url,
            "SIGNALBOX_CHANNEL_OPENID_URL": self.issuer.metadata_url,
            "SIGNALBOX_CHANNEL_HOSTS": self.connector.address,
            "SIGNALBOX_STATE_DIR": str(self.state),
            "SIGNALBOX_PORT": str(self.port),
            "SIGNALBOX_ADMIN_PORT": str(self.chat_port),
        }

    @property
    def command(self) -> tuple[str, ...]:
        return ("serve",)

    async def send(self, activity: dict[str, Any], token: str | None) -> tuple[int, bytes]:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        async with self.http.post(self.url, json=activity, headers=headers) as response:
            return response.status, await response.read()

    def token(self, **claims: Any) -> str:
        return self.issuer.sign(APP, self.connector.url, **claims)

    async def events(self) -> list[dict[str, Any]]:
        _, out, _ = await self.signalbox(
            "audit", "export", "--format", "jsonl", SIGNALBOX_PROFILE="test"
        )
        return [json.loads(line) for line in out.splitlines()]


@pytest.fixture(scope="module")
def other_key() -> Any:
    return new_private_key()


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    issuer, connector = Issuer(SystemClock()), BotConnector()
    issuer.add_client(APP, "a secret of the test")
    await issuer.start()
    await connector.start()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as http:
        made = Served(state=tmp_path / "state", connector=connector, http=http, port=free_port())
        made.issuer = issuer
        await made.start()
        try:
            yield made
        finally:
            assert await made.stop() == 0
            await connector.stop()
            await issuer.stop()


async def test_a_right_token_works_and_the_answer_carries_ours(served):
    activity = served.message("dev-1", "whoami")

    assert (await served.send(activity, served.token()))[0] in {200, 201, 202}

    reply = await served.answer_in(activity["conversation"]["id"])
    assert "dev-1" in json.dumps(reply.card)
    (sent,) = served.connector.authorizations
    claims = jwt.decode(sent.removeprefix("Bearer "), options={"verify_signature": False})
    assert (claims["aud"], claims["appid"]) == ("https://api.botframework.com", APP)


async def test_whatever_is_wrong_is_401_and_no_turn(served, other_key):
    served.issuer.new_key("webchat-key", endorsements=["webchat"], key=other_key)
    served.issuer.new_key("unpublished", publish=False, key=other_key)
    good = {
        "iss": "https://api.botframework.com",
        "aud": APP,
        "serviceurl": served.connector.url,
        "exp": SystemClock().now().timestamp() + 600,
    }
    kid = {"kid": "key-1"}
    tokens = {
        "none": None,
        "garbage": "garbage",
        "alg none": jwt.encode(good, None, algorithm="none", headers=kid),
        "wrong key": jwt.encode(good, other_key, algorithm="RS256", headers=kid),
        "unknown key": served.token(kid="unpublished"),
        "not endorsed": served.token(kid="webchat-key"),
        "wrong audience": served.token(aud="00000000-0000-4000-8000-000000000bad"),
        "wrong issuer": served.token(iss="https://evil.example"),
        "wrong service URL": served.token(serviceurl="https://smba.trafficmanager.net/"),
        "no exp": served.token(exp=None),
        "expired": served.token(exp=SystemClock().now().timestamp() - 600),
    }
    for name, token in tokens.items():
        status, body = await served.send(served.message("dev-1", "whoami"), token)
        assert (name, status, body) == (name, 401, b"")

    activity = served.message("dev-1", "whoami")
    foreign = activity | {
        "conversation": activity["conversation"] | {"tenantId": FOREIGN},
        "channelData": activity["channelData"] | {"tenant": {"id": FOREIGN}},
    }
    evil = "http://127.0.0.1:9/"
    hosts = activity | {"serviceUrl": evil}
    assert (await served.send(foreign, served.token()))[0] == 401
    assert (await served.send(hosts, served.issuer.sign(APP, evil)))[0] == 401

    assert served.connector.messages == {}
    types = [event["type"] for event in await served.events()]
    assert types == ["signalbox.tenant.denied"]


async def test_what_is_no_activity_is_refused_by_its_kind(served):
    url, head = served.url, {"Authorization": f"Bearer {served.token()}"}
    json_head = head | {"Content-Type": "application/json"}

    async def status(**options: Any) -> int:
        async with served.http.post(url, **options) as response:
            return response.status

    assert await status(data=b"{", headers=json_head) == 400
    assert await status(data=b"[]", headers=json_head) == 400
    assert await status(data=b"[" * 50_000, headers=json_head) == 400
    assert await status(data=b"{}", headers=head | {"Content-Type": "text/plain"}) == 415
    assert await status(data=b"x" * 300_000, headers=json_head) == 413
    assert await status(json={"type": "message"}, headers=head) in {400, 401}
    async with served.http.get(url) as response:
        assert response.status == 405
    assert CHANNEL not in json.dumps(list(served.connector.messages))


async def serve(**settings: str) -> tuple[int | None, bytes, bytes]:
    """Exit code, stdout and stderr of `signalbox serve`, which is not to come up."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("SIGNALBOX_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        "serve",
        cwd=ROOT,
        env=clean | {f"SIGNALBOX_{name}": value for name, value in settings.items()},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode, out, err


async def test_production_without_an_app_id_says_so_in_one_sentence_and_exits_2(tmp_path):
    code, out, err = await serve(STATE_DIR=str(tmp_path))

    assert (code, out) == (2, b"")
    assert b"SIGNALBOX_APP_ID" in err
    assert err.count(b"\n") == 1
    assert b"Traceback" not in err


async def test_a_port_that_is_taken_and_a_workflow_that_is_wrong_are_sentences(tmp_path):
    config = tmp_path / "config"
    shutil.copytree(ROOT / "sandbox/world", config)
    demo = {
        "PROFILE": "demo",
        "STATE_DIR": str(tmp_path / "state"),
        "ADMIN_PORT": "0",
        "CHANNEL_HOSTS": "127.0.0.1:9",
    }
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, _, err = await serve(**demo, PORT=port, LOG_LEVEL="error")

    assert (code, err.count(b"\n")) == (2, 1), err
    assert b"address is in use" in err

    (config / "workflows/wrong.yaml").write_text("name: wrong\n")
    code, _, err = await serve(**demo, PORT="0", CONFIG_DIR=str(config), LOG_LEVEL="error")

    assert code == 2
    assert b"wrong.yaml:1:1: " in err
    assert b"Traceback" not in err
