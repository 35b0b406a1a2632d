"""Secrets that requests carry and scripts never see."""

from _bailiwick import host
from _bailiwick.arguments import text


def secret(name: str) -> str:
    """The placeholder of a secret. Where the policy says, in a header for example, the host sends the value in its place:

        requests.get(url, headers={"authorization": f"Bearer {bailiwick.secret('bank-token')}"})
    """
    named = text(name, "secret: `name`")
    return host.call(f"secret use {named}", host.secrets.placeholder, named)
