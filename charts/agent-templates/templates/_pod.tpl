{{/*
The whole pod of a builder's template: the builder with exactly its profile's rights, the agent and the pod itself at
Pod Security `restricted`. Arguments: name (of the builder), builder and agent (their profiles), tenant, deadline
(seconds), trustedCA (whether there is one).
*/}}
{{- define "agent-templates.pod" -}}
{{- $claim := get .tenant.claims .name }}
apiVersion: v1
kind: Pod
spec:
  serviceAccountName: builder-{{ .name }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  activeDeadlineSeconds: {{ int .deadline }}
  # Nothing in the pod has to be saved, and the pod counts against its tenant's quota until it is gone.
  terminationGracePeriodSeconds: 5
  restartPolicy: Never
  nodeSelector: {kubernetes.io/os: linux}
  {{- if not .builder.hostUsers }}
  hostUsers: false
  {{- end }}
  securityContext:
    runAsNonRoot: true
    seccompProfile: {type: RuntimeDefault}
    {{- if and $claim (hasKey (.builder.volumes | default dict) "state") }}
    # The claim's root folder becomes the builder's, once: what lies in it has owners of its own, layers' for one.
    fsGroup: {{ int .builder.runAsGroup }}
    fsGroupChangePolicy: OnRootMismatch
    {{- end }}
  containers:
    - name: jnlp
      image: {{ .agent.image }}
      securityContext:
        runAsUser: {{ int .agent.runAsUser }}
        runAsGroup: {{ int .agent.runAsGroup }}
        runAsNonRoot: true
        allowPrivilegeEscalation: false
        capabilities: {drop: [ALL]}
        seccompProfile: {type: RuntimeDefault}
      resources: {{- toYaml .agent.resources | nindent 8 }}
    {{- include "agent-templates.builder" . | trim | nindent 4 }}
  volumes:
    - name: registry-credentials
      secret:
        secretName: registry-credentials
        optional: true
        items: [{key: .dockerconfigjson, path: config.json}]
    {{- range $name, $volume := .builder.volumes }}
    {{- if and $claim (eq $name "state") }}
    - {name: builder-{{ $name }}, persistentVolumeClaim: {claimName: {{ quote $claim }}}}
    {{- else }}
    - {name: builder-{{ $name }}, emptyDir: {sizeLimit: {{ $volume.size }}}}
    {{- end }}
    {{- end }}
    {{- if and $claim (eq .name "kaniko") }}
    - {name: builder-cache, persistentVolumeClaim: {claimName: {{ quote $claim }}, readOnly: true}}
    {{- end }}
    {{- if and .trustedCA .builder.trustedCA }}
    - name: buildkeep-ca
      configMap: {name: buildkeep-ca}
    {{- end }}
{{- end }}
