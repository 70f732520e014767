"""What is a secret, by its name or by its form: of environment variables, of settings of storages, of what an export writes.

The questions differ, and so do their answers: an environment variable stays readable unless it looks like a secret, a setting of a storage is hidden
unless it is known to be harmless.
"""

from __future__ import annotations

import re
from typing import Any

_SECRET_NAME = re.compile(
    r"(?:^|_)(?:KEY|KEY_ID|APIKEY|TOKEN|PAT|SECRET|PASSWORD|PASSWD|PASS|PWD|PASSPHRASE|CREDENTIALS?|DSN|AUTH_STRING|CONNECTION_STRING)$"
    r"|SECRET|PASSWORD|PRIVATE_KEY",
    re.I,
)
_GIVEN = r"(?:[\w-]*[_-])?(?:password|passwd|pwd|secret|token|api_?-?key|accountkey|sharedaccesskey|private_key)"
"""Names of what is secret, inside of an address, a command line, a connection string or JSON."""
_SECRET_VALUE = re.compile(
    r"://[^/\s:@]*:[^/\s@]+@|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_\w{20,}|\bpn[ub]_\w{20,}|-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|\bgithub_pat_\w{20,}|\bglpat-[\w-]{16,}|\b[sr]k_live_\w{16,}|\bsk-[\w-]*\w{20,}|\bxox[abeprs]-[\w-]{10,}"
    r"|hooks\.slack\.com/services/\w+/\w+/\w|\beyJ[\w-]{8,}\.eyJ[\w-]+\.[\w-]+"
    r"|\b(?:Bearer|Basic) +(?=[^\s$]*\d)[\w+/.~-]{12,}"
    rf"|(?i:[?&](?:sig|{_GIVEN})=[^&\s$<{{]{{4,}})"
    rf"|(?i:(?:^|;) *{_GIVEN}=[^;\s$<{{]{{4,}}.*(?:;|$))"
    rf"|(?i:(?:^|\s)--{_GIVEN}[= ][^\s$<{{-][^\s$]{{3,}})"
    rf'|(?i:"{_GIVEN}" *: *"[^"$<{{]{{4,}}")'
)
_NOT_A_SECRET = re.compile(r"\s*$|.*\{\{.*\}\}|\$|arn:|true$|false$", re.I | re.S)
_PATH = re.compile(r"~?\.{0,2}/[\w./-]+$")


def looks_secret(name: str, value: Any) -> bool:
    """Whether an environment variable seems to hold a secret: by its name, or by the form of its value.

    References, flags and the paths of files of credentials are none.
    """
    if not isinstance(value, str):
        return False
    if _SECRET_VALUE.search(value) and "{{" not in value:
        return True
    if re.search(r"CREDENTIALS$|KEY$", name, re.I) and _PATH.match(value):
        return False
    return bool(_SECRET_NAME.search(name)) and not _NOT_A_SECRET.match(value)


_PLAIN_KEY = re.compile(r"(?:^|_)(?:key|pass|credentials?)$")
_SECRET_KEY = re.compile(r"(?:api|access|private|secret|auth|account|encrypt\w*|ssh|storage|license|signing)_?key$")
_ABOUT_A_SECRET = re.compile(r"_(?:path|file|filename|dir|name|arn)$")


def is_secret_text(key: str, text: str, parameter: bool) -> bool:
    """Whether the text under a key is a secret that must not be exported; a parameter of a flow has to say more of it."""
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key).replace("-", "_")
    if not looks_secret(name, text) or text.strip("*") == "":
        return False
    if _ABOUT_A_SECRET.search(name.lower()) and not looks_secret("", text):
        return False
    # a parameter called `key` is most often that of a dictionary or a table, unless its text tells
    return not (
        parameter
        and _PLAIN_KEY.search(name.lower())
        and not _SECRET_KEY.search(name.lower())
        and not looks_secret("", text)
    )


_SETTING = re.compile(
    r"key|secret|token|passw|pwd|passphrase|credential|connection_string|sas|private|auth|username|user$"
)
_HARMLESS_SETTINGS = frozenset({"key_type", "requester_pays", "anon", "use_ssl"})


def is_secret_setting(name: str) -> bool:
    """Whether a setting of a storage (of fsspec, by its name) may hold a secret."""
    return name not in _HARMLESS_SETTINGS and _SETTING.search(name.lower()) is not None


def is_masked(value: Any) -> bool:
    """Whether a value is the row of asterisks that Prefect's API shows for a secret."""
    return isinstance(value, str) and value != "" and not value.strip("*")
