{{/*
The whole pod of a builder's template: the builder with exactly its profile's rights, the agent and the pod itself at
Pod Security `restricted`. It is the same for all tenants. Arguments: name (of the builder), builder and agent (their
profiles), deadline (seconds), trustedCA (whether there is one).
*/}}
{{- define "agent-templates.pod" -}}
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
  securityContext:
    runAsNonRoot: true
    seccompProfile: {type: RuntimeDefault}
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
    - name: {{ .name }}
      image: {{ .builder.image }}
      command: {{ toJson .builder.command }}
      args: {{ toJson .builder.args }}
      {{- with .builder.trustedCA }}
      {{- if $.trustedCA }}
      env:
        - {name: {{ .variable }}, value: {{ quote .value }}}
      {{- end }}
      {{- end }}
      securityContext:
        runAsUser: {{ int .builder.runAsUser }}
        runAsGroup: {{ int .builder.runAsGroup }}
        runAsNonRoot: {{ ne (int .builder.runAsUser) 0 }}
        allowPrivilegeEscalation: {{ .builder.allowPrivilegeEscalation }}
        capabilities:
          drop: [ALL]
          {{- with .builder.capabilities }}
          add: {{ keys . | sortAlpha | toJson }}
          {{- end }}
        {{- $seccomp := splitn "/" 2 .builder.seccompProfile }}
        seccompProfile: {type: {{ $seccomp._0 }}{{ with $seccomp._1 }}, localhostProfile: {{ . }}{{ end }}}
      resources: {{- toYaml .builder.resources | nindent 8 }}
      volumeMounts:
        - {name: registry-credentials, mountPath: {{ .builder.credentials }}, readOnly: true}
        {{- if .trustedCA }}
        - {name: buildkeep-ca, mountPath: {{ .builder.trustedCA.path }}, readOnly: true}
        {{- end }}
  volumes:
    - name: registry-credentials
      secret:
        secretName: registry-credentials
        optional: true
        items: [{key: .dockerconfigjson, path: config.json}]
    {{- if .trustedCA }}
    - name: buildkeep-ca
      configMap: {name: buildkeep-ca}
    {{- end }}
{{- end }}
