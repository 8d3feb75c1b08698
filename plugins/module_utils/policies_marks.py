"""What every policy that guards marks asks: which labels and annotations of ours does a request change."""

from __future__ import annotations

from ansible_collections.buildkeep.ci.plugins.module_utils import names
from ansible_collections.buildkeep.ci.plugins.module_utils.cel import literal

# The keys that a request changes of those by which an object counts as ours. Whoever installs the chart need not manage
# tenants: it sets the namespace's own tenant, and a managed-by that is not ours.
_OLD, _NEW = "m[0][?k].orValue('')", "m[1][?k].orValue('')"
MARKS = (
    "object == null ? [] : "
    "[[oldObject == null ? {} : oldObject.metadata.?labels.orValue({}), object.metadata.?labels.orValue({})], "
    "[oldObject == null ? {} : oldObject.metadata.?annotations.orValue({}), object.metadata.?annotations.orValue({})]]"
    ".map(m, (m[1].map(k, k) + m[0].filter(k, !(k in m[1])))"
    ".filter(k, !(k in m[0] && k in m[1] && m[0][k] == m[1][k]) && "
    f"(k == {literal(names.LABEL_MANAGED_BY)} ? {literal(names.MANAGED_BY)} in [{_OLD}, {_NEW}] : "
    f"k.startsWith({literal(f'{names.DOMAIN}/')}) && !(k == {literal(names.LABEL_TENANT)} && "
    f"{_NEW} == namespaceObject.metadata.?labels[k].orValue('none')))).join(', ')).filter(t, t != '')"
)
