"""Settings from the environment."""

import pytest

from edviz.remote import RemoteError, RemoteSettings, settings_from_environment

CHANGES = {
    "EDVIZ_ALLOW_PRIVATE_ADDRESSES": ("yes", "allow_private", True),
    "EDVIZ_MOST_REMOTE_BYTES": ("1_000", "most_bytes", 1000),
    "EDVIZ_MOST_REMOTE_REQUESTS": (" 7 ", "most_requests", 7),
    "EDVIZ_MOST_DOWNLOAD_BYTES": ("8", "most_download_bytes", 8),
    "EDVIZ_MOST_UNPACKED_BYTES": ("9", "most_unpacked_bytes", 9),
    "EDVIZ_REMOTE_CONNECTIONS": ("2", "connections", 2),
    "EDVIZ_REMOTE_TIMEOUT_SECONDS": ("2.5", "timeout_s", 2.5),
    "http_proxy": ("http://proxy:3128", "http_proxy", "http://proxy:3128"),
    "https_proxy": ("http://proxy:3128", "https_proxy", "http://proxy:3128"),
    "HTTPS_PROXY": ("http://proxy:3128", "https_proxy", "http://proxy:3128"),
    "no_proxy": (".ebi.ac.uk, localhost,", "no_proxy", ("ebi.ac.uk", "localhost")),
}
WRONG = {
    "EDVIZ_ALLOW_PRIVATE_ADDRESSES": ["maybe", "2"],
    "EDVIZ_MOST_REMOTE_BYTES": ["0", "-1", "1e9", "1 GB", "x"],
    "EDVIZ_REMOTE_TIMEOUT_SECONDS": ["0", "-1", "nan", "inf", "soon"],
}


def test_nothing_set_is_the_default():
    assert settings_from_environment({}) == RemoteSettings()
    assert settings_from_environment(dict.fromkeys(CHANGES, "")) == RemoteSettings()


@pytest.mark.parametrize("variable", CHANGES)
def test_a_variable_changes_one_setting(variable):
    value, name, expected = CHANGES[variable]
    settings = settings_from_environment({variable: value})
    assert getattr(settings, name) == expected
    assert settings != RemoteSettings()


@pytest.mark.parametrize(("variable", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_value_that_cannot_be_is_an_error(variable, value):
    with pytest.raises(RemoteError, match=rf"^{variable} is '.*'; set it to .*\.$"):
        settings_from_environment({variable: value})


def test_a_proxy_in_capitals_for_http_is_not_read():
    assert settings_from_environment({"HTTP_PROXY": "http://evil:1"}).http_proxy is None


def test_the_passwords_of_proxies_are_not_shown():
    assert "secret" not in repr(RemoteSettings(http_proxy="http://u:secret@p:1", https_proxy="http://u:secret@p:1"))
