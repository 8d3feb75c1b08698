"""Names that objects, policies and lookups share. The only place where they are spelled."""

from __future__ import annotations

DOMAIN = "buildkeep.dev"

LABEL_TENANT = f"{DOMAIN}/tenant"
LABEL_MODE = f"{DOMAIN}/mode"
LABEL_ROLE = f"{DOMAIN}/role"
LABEL_WITNESS = f"{DOMAIN}/witness"
LABEL_MANAGED_BY = "app.kubernetes.io/managed-by"
MANAGED_BY = "buildkeep"
FIELD_MANAGER = "buildkeep"

ANNOTATION_IMAGES = f"{DOMAIN}/images"
ANNOTATION_BUILDERS = f"{DOMAIN}/builders"
ANNOTATION_CLAIMS = f"{DOMAIN}/claims"
ANNOTATION_SECRETS = f"{DOMAIN}/secrets"
ANNOTATION_CSI_DRIVERS = f"{DOMAIN}/csi-drivers"
ANNOTATION_TEMPLATES = f"{DOMAIN}/templates"
ANNOTATION_SECCOMP = f"{DOMAIN}/seccomp"
ANNOTATION_CREATED = f"{DOMAIN}/created"
ANNOTATION_BEFORE = f"{DOMAIN}/before"
ANNOTATION_ADOPTED = f"{DOMAIN}/adopted"
ANNOTATION_NARROWED = f"{DOMAIN}/narrowed"

# What the API server's plugins PodNodeSelector and PodTolerationRestriction read from a namespace.
SCHEDULER_PREFIX = "scheduler.alpha.kubernetes.io/"
ANNOTATION_NODE_SELECTOR = f"{SCHEDULER_PREFIX}node-selector"
ANNOTATION_TOLERATIONS = f"{SCHEDULER_PREFIX}defaultTolerations"
# What OpenShift reads in place of its own default selector, also where it is empty.
ANNOTATION_OPENSHIFT_NODES = "openshift.io/node-selector"

ADMISSION_API = "admissionregistration.k8s.io/v1"

PSA_PREFIX = "pod-security.kubernetes.io/"
# The newest Pod Security version this release was tested against. Older API servers evaluate a version they do not
# know as their latest (pod-security-admission, api/helpers.go).
PSA_VERSION = "v1.37"

NAMESPACE_PREFIX = "ci-"
CANARY_NAMESPACE = "buildkeep-canary"
# Of what puts profiles on nodes and asks them what they can; its pods are held to a policy of their own.
SYSTEM_NAMESPACE = "buildkeep-system"
CANARY_GROUP = "buildkeep:canary"
CANARY_ROLE = "buildkeep-canary"
CONTROLLER_ROLE = "buildkeep-controller"
# Value of LABEL_ROLE on the one namespace that is ours and no tenant's: the controller's, where we install it.
ROLE_JENKINS = "jenkins"

# The made-up resource whose verb `manage` marks those who may change tenants. RBAC matches strings; no CRD is needed.
MANAGE_GROUP = DOMAIN
MANAGE_RESOURCE = "tenants"
MANAGE_VERB = "manage"

SA_AGENT = "agent"
SA_PUSHER = "pusher"
SA_DEFAULT = "default"
SA_BUILDER_PREFIX = "builder-"
# What follows the controller's name in the label of ConfigMaps that its side-car loads, as the upstream chart has it.
SIDECAR_SUFFIX = "-jenkins-config"
# Somebody who is neither the controller nor a manager of tenants.
STRANGER = f"system:serviceaccount:{CANARY_NAMESPACE}:{SA_DEFAULT}"

CONFIGMAP_CA = "buildkeep-ca"
SECRET_REGISTRY = "registry-credentials"  # noqa: S105 (a name, not a password)

POLICY_PODS = "buildkeep-pods"
# Says no in its place to pods that only the namespace's tenant makes wrong ones.
POLICY_PODS_TENANT = f"{POLICY_PODS}-tenant"
POLICIES_PODS = (POLICY_PODS, POLICY_PODS_TENANT)
POLICY_EXEC = "buildkeep-exec"
POLICY_NAMESPACES = "buildkeep-namespaces"
POLICY_NAMES = "buildkeep-names"
POLICY_ROLES = "buildkeep-roles"
POLICY_ROLEBINDINGS = "buildkeep-rolebindings"
POLICY_SERVICES = "buildkeep-services"
POLICY_SERVICEACCOUNTS = "buildkeep-serviceaccounts"
POLICY_CLAIMS = "buildkeep-claims"
POLICY_PERSISTENTVOLUMES = "buildkeep-persistentvolumes"
POLICY_CONFIGMAPS = "buildkeep-configmaps"
POLICY_BINDINGS = "buildkeep-bindings"
POLICY_WORKLOADS = "buildkeep-workloads"
# Policies of some seconds, by which a run sees that those that it wrote are in force.
WITNESS_PREFIX = "buildkeep-witness-"
