"""The drop-in for sshd_config: what the service account may do over SSH, a directive a line with its reason above it.

All of it stands under `Match User`, so that no other account of the server is touched. In a Match block the first value counts, but
for AcceptEnv: there a block's own list takes the place of the general one (OpenSSH 9.2, held by a test).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from console.ssh.layout import Layout

ALONE = "DISTRICT_TAKES_NOTHING"
"""A name that no client sends: AcceptEnv cannot be emptied, only replaced."""
SECURITY_KEYS = (
    "sk-ssh-ed25519@openssh.com,sk-ecdsa-sha2-nistp256@openssh.com,"
    "sk-ssh-ed25519-cert-v01@openssh.com,sk-ecdsa-sha2-nistp256-cert-v01@openssh.com"
)


def directives(layout: Layout) -> list[tuple[str, str, str]]:
    """Keyword, value and reason of each line, in order."""
    return [
        ("ForceCommand", layout.command, "Whatever was asked for, this runs: the console, or one of its commands."),
        (
            "ExposeAuthInfo",
            "yes",
            "Tells the console with which key somebody came, so that it is tied to the operator.",
        ),
        ("AuthenticationMethods", "publickey", "A key or a certificate; password and second factor are the console's."),
        ("PubkeyAuthentication", "yes", ""),
        ("PasswordAuthentication", "no", ""),
        ("KbdInteractiveAuthentication", "no", ""),
        *_keys(layout),
        *_authority(layout),
        ("PermitTTY", "yes", "The console needs a terminal."),
        ("PermitUserRC", "no", "No ~/.ssh/rc is run."),
        ("AcceptEnv", ALONE, "Takes the place of the server's list (LANG LC_*): a client sets no variable here."),
        (
            "DisableForwarding",
            "yes",
            "No ports, sockets, agents or displays; each by name too, for OpenSSH before 10.0",
        ),
        ("AllowTcpForwarding", "no", "lets X11 and the agent through DisableForwarding (CVE-2025-32728)."),
        ("AllowStreamLocalForwarding", "no", ""),
        ("AllowAgentForwarding", "no", ""),
        ("X11Forwarding", "no", ""),
        ("PermitTunnel", "no", ""),
        ("GatewayPorts", "no", ""),
        ("MaxSessions", "4", "Sessions of one connection; 4 are a console and some commands."),
        ("ClientAliveInterval", "15", "A client that is gone is noticed after a minute,"),
        ("ClientAliveCountMax", "4", "and its console ends."),
        ("UnusedConnectionTimeout", str(layout.unused_seconds), "A connection with nothing in it (ssh -N) is ended."),
        ("LogLevel", "VERBOSE", "The server's log names the fingerprint of every key."),
    ]


def _keys(layout: Layout) -> list[tuple[str, str, str]]:
    lines = [
        ("AuthorizedKeysFile", str(layout.keys), "The list of keys belongs to root; the account cannot add to it."),
        ("AuthorizedKeysCommand", "none", ""),
    ]
    if layout.security_keys:
        lines += [
            ("PubkeyAcceptedAlgorithms", SECURITY_KEYS, "Only keys that never leave their hardware,"),
            ("PubkeyAuthOptions", "verify-required", "each time with a PIN or a finger."),
        ]
    return lines


def _authority(layout: Layout) -> list[tuple[str, str, str]]:
    if not layout.trusts_ca:
        return [("TrustedUserCAKeys", "none", "No certificates.")]
    return [
        ("TrustedUserCAKeys", str(layout.user_ca_public), "Certificates of this authority are taken,"),
        ("AuthorizedPrincipalsFile", str(layout.principals), "when they are for an operator who is listed here."),
        ("AuthorizedPrincipalsCommand", "none", ""),
    ]


def text(layout: Layout) -> str:
    """The whole file."""
    lines = [
        f"# The district administrator's console for the account {layout.account}, and nothing else.",
        "# Written by district ssh install; docs/SSH.md explains it. After a change: sshd -t && systemctl reload ssh",
        "",
        f"Match User {layout.account}",
    ]
    for keyword, value, reason in directives(layout):
        lines += [f"    # {reason}"] if reason else []
        lines.append(f"    {keyword} {value}")
    return "\n".join(lines) + "\n"
