"""Variables of the environment given as `NAME=value`: `$OTHER` in the value, and `PATH+WHAT=folder`.

After the core's hudson.EnvVars (overrideExpandingAll, PATH+) and Util.replaceMacro: what has no value stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def override(env: Mapping[str, str], settings: Sequence[str]) -> dict[str, str]:
    """The variables that `NAME=value` words set, where `env` holds before."""
    found: dict[str, str] = {}
    for setting in settings:
        name, _, value = setting.partition("=")
        value = expanded(value, {**env, **found})
        name, plus, _ = name.partition("+")
        before = {**env, **found}.get(name)
        found[name] = f"{value}:{before}" if plus and before else value
    return found


def expanded(value: str, env: Mapping[str, str]) -> str:
    """A value with `$NAME` and `${NAME}` replaced, and `$$` as a dollar."""
    result, rest = "", value
    while "$" in rest:
        before, _, rest = rest.partition("$")
        result += before
        if rest.startswith("$"):
            result, rest = result + "$", rest[1:]
        elif rest.startswith("{") and "}" in rest:
            name, _, after = rest[1:].partition("}")
            result, rest = result + env.get(name, f"${{{name}}}"), after
        else:
            name = ""
            while rest and (rest[0].isalnum() or rest[0] == "_"):
                name, rest = name + rest[0], rest[1:]
            result += env.get(name, f"${name}")
    return result + rest
