"""The requests to try, which are printed at the start: each with what it answers."""

import sys

from .settings import Settings


def describe(settings: Settings, url: str) -> str:
    """Say where the gateway is and what to try; `...` in an answer stands for whatever is there."""
    bearer = '-H "Authorization: Bearer $TOKEN"'
    lines = [
        f"The gateway is at {url} now; behind it, the transactions are at {settings.transactions_url}",
        f"and the inventory is at {settings.inventory_url}. Try these, from top to bottom:",
    ]
    lines += _try("Who is it?", f"-d {_login('WAL001', 'guess')} {url}/login", "401 ...user or password is wrong...")
    lines += _get_token("The shop WAL001 logs in.", f"{_login('WAL001', settings.password)} {url}/login")
    lines += _try("Without the token, nothing.", f"{url}/transactions", "401 ...")
    lines += _try(
        "With it, the transactions of this shop.",
        f"{bearer} {url}/transactions",
        '200 [{"id": 1, "shop": "WAL001", ...',
    )
    lines += _try("Those of another are out of reach.", f"{bearer} {url}/transactions/3", '404 {"error": ...')
    lines += _try(
        "Also by a path that leads out of its own.",
        f"{bearer} {url}/transactions/..%2F..%2FMAR002/transactions",
        "400 ...'.' or '..' segment...",
    )
    lines += _try(
        "The service itself does not know the token.",
        f"{bearer} {settings.transactions_url}/shops/MAR002/transactions",
        "401 ...",
    )
    lines += _try(
        "The inventory wants another credential, which the gateway has; the answer is compressed.",
        f"--compressed {bearer} {url}/inventory",
        '200 [{"id": 1, "shop": "WAL001", "name": "flour", ...',
    )
    lines += [
        "",
        "The feed is a WebSocket; leave it open in another terminal, with the token there as well:",
        f"  {sys.executable} -m examples.erp_gateway.watch {url}/transactions/feed $TOKEN",
    ]
    lines += _try(
        "A new transaction, which shows in the feed.",
        f"""{bearer} -d '{{"category": "tech", "amount": 20, "description": "A lamp"}}' {url}/transactions""",
        '201 {"id": ..., "shop": "WAL001", ...',
    )
    lines += _try("Not everybody may see the numbers.", f"{bearer} {url}/status", "403 ...")
    lines += _get_token("But the operator may.", f"{_login('operator', settings.password)} {url}/login")
    lines += _try("", f"{bearer} {url}/status", '200 {"transactions": {"answered": ...')
    return "\n".join([*lines, "", "Press Ctrl-C to stop."])


def _try(about: str, arguments: str, answer: str) -> list[str]:
    return (
        ["", about, f"  curl -i {arguments}", f"  -> {answer}"]
        if about
        else [f"  curl -i {arguments}", f"  -> {answer}"]
    )


def _get_token(about: str, arguments: str) -> list[str]:
    return ["", about, f"""  TOKEN=$(curl -s -d {arguments} | cut -d'"' -f4)"""]


def _login(user: str, password: str) -> str:
    return f"""'{{"user": "{user}", "password": "{password}"}}'"""
