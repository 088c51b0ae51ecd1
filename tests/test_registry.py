"""Names: no silent overwriting, and help for a wrong one."""

import pytest

from urbanlens.errors import UnknownNameError
from urbanlens.registry import Registry


def test_registry() -> None:
    things: Registry[int] = Registry("thing")
    things.add("one", 1)

    @things.register("double")
    def double() -> None: ...

    assert things.names() == ["one", "double"]
    assert things["one"] == 1
    with pytest.raises(ValueError, match="already a thing named 'one'"):
        things.add("one", 2)
    with pytest.raises(UnknownNameError, match="did you mean 'one'"):
        things["oen"]
    with pytest.raises(KeyError):
        things["zzz"]
    assert things["one"] == 1
