"""What the lookups share: the cluster that their options name, and errors as Ansible wants them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from ansible.errors import AnsibleError
from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import Cluster, connect
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError

Answer = TypeVar("Answer")


def ask(plugin: Any, variables: Any, options: Mapping[str, Any], question: Callable[[Cluster], Answer]) -> Answer:
    """Ask the cluster that a lookup's options `kubeconfig` and `context` name.

    Args:
        plugin: the lookup, whose documentation has these options.
        variables: of the play, as the lookup was given them.
        options: keywords of the lookup.
        question: what to ask.

    Raises:
        AnsibleError: where the cluster does not answer, or the question raises BuildkeepError.
    """
    plugin.set_options(var_options=variables, direct=options)
    try:
        return question(connect(plugin.get_option("kubeconfig") or "", plugin.get_option("context") or ""))
    except BuildkeepError as error:
        raise AnsibleError(str(error)) from error
