"""Targets that must never be called, in every spelling known to have fooled a parser; and those that may."""

from ipaddress import ip_address

import pytest

from rules.addresses import ForbiddenTarget, TargetPolicy, check_answers, read_target

PUBLIC = TargetPolicy()
INTRANET = TargetPolicy.of("10.20.0.0/16, fd12:3456::/32", allow_http=False, production=True)
DEMO = TargetPolicy.of("127.0.0.0/8,::1/128", allow_http=True, production=False)

HOSTILE = [
    # schemes
    ("http://a.example/", "url-scheme"),
    ("ftp://a.example/", "url-scheme"),
    ("file:///etc/passwd", "url-scheme"),
    ("gopher://a.example/", "url-scheme"),
    ("javascript:alert(1)", "url-scheme"),
    ("//a.example/", "url-scheme"),
    ("a.example", "url-scheme"),
    ("", "url"),
    # two parsers, two hosts
    ("https://a.example\\@127.0.0.1/", "url"),
    ("https://a.example\\.b.example/", "url"),
    ("https://127.0.0.1@a.example/", "url-user"),
    ("https://user:pass@a.example/", "url-user"),
    ("https://@a.example/", "url-user"),
    ("https://a.example#@127.0.0.1/", "url-fragment"),
    ("https://a.example/#x", "url-fragment"),
    ("https://a.example/ x", "url"),
    ("https://a.example/\r\nhost: b", "url"),
    ("https://a.example/\x00", "url"),
    ("https://a.exa\tmple/", "url"),
    ("https://a.example/\u202e", "url"),
    ("https:///a.example/", "url-host"),
    ("https://", "url-host"),
    ("https://?x", "url-host"),
    # hosts that are not written as they are
    ("https://ａ.example/", "url"),
    ("https://a。example/", "url"),
    ("https://127。0。0。1/", "url"),
    ("https://münchen.example/", "url"),
    ("https://a..example/", "url-host"),
    ("https://a.example./", "url-host"),
    ("https://-a.example/", "url-host"),
    ("https://a_b.example/", "url-host"),
    ("https://a%2eexample/", "url-host"),
    ("https://a,b.example/", "url-host"),
    ("https://" + "a" * 64 + ".example/", "url-host"),
    ("https://" + "a." * 130 + "example/", "url-host"),
    ("https://a.example/" + "x" * 2000, "url"),
    # IPv4 in disguise
    ("https://2130706433/", "url-host"),
    ("https://0x7f000001/", "url-host"),
    ("https://0x7f.1/", "url-host"),
    ("https://127.1/", "url-host"),
    ("https://0177.0.0.1/", "url-host"),
    ("https://127.0.0.01/", "url-host"),
    ("https://1.2.3.4.5/", "url-host"),
    ("https://256.1.1.1/", "url-host"),
    ("https://a.example.1/", "url-host"),
    ("https://127.0.0.1/", "url-address"),
    ("https://8.8.8.8/", "url-address"),
    ("https://169.254.169.254/", "url-address"),
    ("https://100.100.100.200/", "url-address"),
    ("https://0.0.0.0/", "url-address"),
    # IPv6 in disguise
    ("https://[::1]/", "url-address"),
    ("https://[::]/", "url-address"),
    ("https://[0:0:0:0:0:0:0:1]/", "url-host"),
    ("https://[::FFFF:127.0.0.1]/", "url-host"),
    ("https://[::ffff:7f00:1]/", "url-address"),
    ("https://[::7f00:1]/", "url-address"),
    ("https://[64:ff9b::7f00:1]/", "url-address"),
    ("https://[2002:7f00:1::]/", "url-address"),
    ("https://[fe80::1]/", "url-address"),
    ("https://[fe80::1%25eth0]/", "url-address"),
    ("https://[::1/", "url-host"),
    ("https://::1/", "url-host"),
    ("https://[127.0.0.1]/", "url-host"),
    ("https://[v1.x]/", "url-host"),
    # names of inside
    ("https://localhost/", "url-address"),
    ("https://LOCALHOST/", "url-address"),
    ("https://a.localhost/", "url-address"),
    ("https://metadata.google.internal/", "url-address"),
    ("https://printer.local/", "url-address"),
    ("https://intranet/", "url-address"),
    # ports
    ("https://a.example:22/", "url-port"),
    ("https://a.example:80/", "url-port"),
    ("https://a.example:6379/", "url-port"),
    ("https://a.example:0/", "url-port"),
    ("https://a.example:/", "url-port"),
    ("https://a.example:0443/", "url-port"),
    ("https://a.example:65536/", "url-port"),
    ("https://a.example:443a/", "url-port"),
    ("https://a.example:-1/", "url-port"),
    ("https://a.example:443:443/", "url-host"),
]


@pytest.mark.parametrize(("url", "code"), HOSTILE)
def test_an_obviously_forbidden_target_is_refused_before_anything_is_called(url: str, code: str) -> None:
    with pytest.raises(ForbiddenTarget) as refused:
        read_target(url, PUBLIC)
    assert refused.value.code == code
    assert url == "" or url not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("https://a.example", "https://a.example/"),
        ("HTTPS://A.Example/Path?x=1", "https://a.example/Path?x=1"),
        ("https://a.example:443/", "https://a.example/"),
        ("https://a.example:8443/x", "https://a.example:8443/x"),
        ("https://xn--fiq228c.example/通".replace("通", "%E9%80%9A"), "https://xn--fiq228c.example/%E9%80%9A"),
        ("https://a.example?x=1", "https://a.example/?x=1"),
        ("https://1.a.example/", "https://1.a.example/"),
    ],
)
def test_a_public_target_is_kept_in_one_spelling(url: str, canonical: str) -> None:
    assert read_target(url, PUBLIC).url == canonical
    assert read_target(canonical, PUBLIC).url == canonical


FORBIDDEN_ADDRESSES = [
    *("127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
    *("100.64.0.1", "100.100.100.200", "169.254.169.254", "169.254.0.1", "168.63.129.16", "192.0.0.192", "192.0.0.1"),
    *("192.0.2.1", "192.88.99.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1", "240.0.0.1"),
    *("255.255.255.255", "::", "::1", "::7f00:1", "::ffff:7f00:1", "::ffff:808:808", "::ffff:0:7f00:1"),
    *("64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::1", "2001::1", "2001:10::1", "2001:20::1", "2001:db8::1"),
    *("2002:7f00:1::", "2002:808:808::", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1", "febf::1"),
    *("fec0::1", "ff02::1", "fe80::1%eth0", "100::1", "4000::1"),
]


@pytest.mark.parametrize("address", FORBIDDEN_ADDRESSES)
def test_an_address_that_is_not_of_the_public_internet_may_not_be_reached(address: str) -> None:
    assert not PUBLIC.may_reach(ip_address(address))


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "114.114.114.114", "1.1.1.1", "2606:4700::1111", "240e::1", "2400:3200::1"]
)
def test_a_public_address_may_be_reached(address: str) -> None:
    assert PUBLIC.may_reach(ip_address(address))


def test_an_operator_opens_ranges_of_the_intranet() -> None:
    assert INTRANET.may_reach(ip_address("10.20.1.1"))
    assert INTRANET.may_reach(ip_address("fd12:3456::1"))
    assert not INTRANET.may_reach(ip_address("10.21.1.1"))
    assert read_target("https://10.20.1.1:9000/hook", INTRANET).url == "https://10.20.1.1:9000/hook"
    assert read_target("https://[fd12:3456::1]/", INTRANET).authority == "[fd12:3456::1]"
    assert read_target("https://receiver.intranet/", INTRANET).host == "receiver.intranet"


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "169.254.169.254", "::ffff:a14:101", "64:ff9b::a14:101", "224.0.0.1", "fe80::1"]
)
def test_no_list_opens_what_is_never_a_receiver(address: str) -> None:
    everything = TargetPolicy.of("0.0.0.0/0,::/0", allow_http=True, production=True)
    assert not everything.may_reach(ip_address(address))
    assert not everything.allow_http


def test_loopback_and_http_are_for_demos_outside_production() -> None:
    assert read_target("http://127.0.0.1:5001/hook", DEMO).url == "http://127.0.0.1:5001/hook"
    assert DEMO.may_reach(ip_address("::1"))
    assert not TargetPolicy.of("", allow_http=True, production=False).may_reach(ip_address("127.0.0.1"))


def test_all_answers_have_to_pass_and_odd_ports_need_listed_ones() -> None:
    target = read_target("https://a.example/", PUBLIC)
    assert check_answers(target, [ip_address("1.1.1.1")], PUBLIC) == (ip_address("1.1.1.1"),)
    for answers in ([], ["1.1.1.1", "10.0.0.1"], ["10.0.0.1", "1.1.1.1"]):
        with pytest.raises(ForbiddenTarget):
            check_answers(target, map(ip_address, answers), PUBLIC)
    odd = read_target("https://a.example:9000/", INTRANET)
    assert check_answers(odd, [ip_address("10.20.0.1")], INTRANET)
    with pytest.raises(ForbiddenTarget):
        check_answers(odd, [ip_address("1.1.1.1")], INTRANET)


def test_a_setting_that_is_no_network_is_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match=r"10\.20"):
        TargetPolicy.of("10.20.0.1/16", allow_http=False, production=True)


def test_an_address_of_the_operators_list_is_not_public_whatever_it_is() -> None:
    listed = TargetPolicy.of("8.8.8.0/24, 10.20.0.0/16", allow_http=False, production=True)
    assert PUBLIC.is_public(ip_address("8.8.8.8"))
    assert not PUBLIC.is_public(ip_address("10.20.1.1"))
    assert [listed.is_public(ip_address(text)) for text in ("8.8.8.8", "8.8.4.4", "10.20.1.1")] == [False, True, False]
