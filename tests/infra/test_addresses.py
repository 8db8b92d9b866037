"""The policy lets connections to public addresses through, and no others."""

from ipaddress import ip_address

import pytest

from basechat.infra.network.addresses import NetworkPolicy
from tests.support.addresses import PRIVATE, PUBLIC

NO_ADDRESSES = ["", "localhost", "127.1", "2130706433", "0x7f.1", "fe80::1%lo", "2606:4700::1%1", "1.1.1.1/32"]


@pytest.mark.parametrize("address", [*PRIVATE, *NO_ADDRESSES])
def test_closed(address: str) -> None:
    assert not NetworkPolicy().is_open(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_open(address: str) -> None:
    assert NetworkPolicy().is_open(address)


def test_nothing_that_python_calls_private_is_open() -> None:
    every = [*range(0, 1 << 32, 999_983), *((start << 112) + 1 for start in range(0, 1 << 16, 7))]
    addresses = [ip_address(each) for each in every]
    assert [each for each in addresses if not each.is_global and NetworkPolicy().is_open(str(each))] == []
    assert sum(NetworkPolicy().is_open(str(each)) for each in addresses) > len(addresses) // 10


def test_internal_addresses_need_to_be_allowed() -> None:
    assert NetworkPolicy().allowed == ()
    assert NetworkPolicy().ports == frozenset({80, 443})
