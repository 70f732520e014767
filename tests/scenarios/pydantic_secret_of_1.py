"""A block keeps a `SecretStr` of `pydantic.v1`.

codes: PF513
"""

from _observing import result_of
from prefect.blocks.core import Block
from pydantic.v1 import SecretStr


def opened():
    class Vault(Block):
        key: SecretStr

    return Vault(key="k").key.get_secret_value()


def observe():
    return result_of(opened).partition(":")[0]
