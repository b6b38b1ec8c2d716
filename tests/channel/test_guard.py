"""Who is kept out: pages of other sites."""

import pytest

from tests.channel.world import OPS, World

MESSAGE = {"as": "dev-1", "conversation": OPS, "text": "@Signalbox help"}
FORGED: list[tuple[dict[str, str], int]] = [
    ({"Host": "attacker.example"}, 421),
    ({"Host": "127.0.0.1.attacker.example:3979"}, 421),
    ({"Origin": "https://attacker.example"}, 403),
    ({"Origin": "null"}, 403),
    ({"Origin": "http://127.0.0.1:1"}, 403),
    ({"Content-Type": "text/plain"}, 415),
    ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
]


@pytest.mark.parametrize(("headers", "status"), FORGED)
@pytest.mark.parametrize("path", ["/chat/messages", "/v3/conversations"])
async def test_a_forged_request_changes_nothing(
    world: World, headers: dict[str, str], status: int, path: str
) -> None:
    async with world.http.post(
        f"{world.teams.url}{path}", json=MESSAGE, headers=headers
    ) as response:
        assert response.status == status

    assert await world.sees("dev-1") == []
    assert world.bot.turns == []


async def test_another_sites_page_cannot_listen(world: World) -> None:
    headers = {"Origin": "https://attacker.example"}
    url = f"{world.teams.url}/chat/events?as=dev-1"
    async with world.http.get(url, headers=headers) as response:
        assert response.status == 403


async def test_its_own_page_may_speak(world: World) -> None:
    async with world.http.post(
        f"{world.teams.url}/chat/messages", json=MESSAGE, headers={"Origin": world.teams.url}
    ) as response:
        assert response.status == 200


@pytest.mark.parametrize("path", ["/", "/chat/people", "/vendor/adaptivecards.min.js"])
async def test_nothing_foreign_runs_in_the_page(world: World, path: str) -> None:
    async with world.http.get(f"{world.teams.url}{path}") as response:
        assert response.status == 200
        policy = response.headers["Content-Security-Policy"]

    assert "default-src 'none'; script-src 'self'; style-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy.replace("style-src-attr 'unsafe-inline'", "")


@pytest.mark.parametrize("path", ["/..%2fteams.py", "/%2e%2e/simulated.py", "/nothing"])
async def test_only_the_pages_own_files_are_served(world: World, path: str) -> None:
    async with world.http.get(f"{world.teams.url}{path}") as response:
        assert response.status == 404
