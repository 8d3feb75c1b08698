{{/*
The builder's container, with exactly its profile's rights. Arguments: as of the pod.
*/}}
{{- define "agent-templates.builder" -}}
{{- $localhost := .builder.localhost }}
- name: {{ .name }}
  image: {{ .builder.image }}
  command: {{ toJson .builder.command }}
  args: {{ toJson .builder.args }}
  {{- /* Where the plugin mounts the workspace. The image's own folder is gone after kaniko's first build. */}}
  workingDir: /home/jenkins/agent
  {{- with include "agent-templates.env" . }}
  env:
    {{- trim . | nindent 4 }}
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
    {{- if and $localhost.seccomp .tenant.unconfined }}
    seccompProfile: {type: Unconfined}
    {{- else }}
    seccompProfile: {type: {{ .builder.seccompProfile }}{{ with $localhost.seccomp }}, localhostProfile: {{ . }}{{ end }}}
    {{- end }}
    {{- with $localhost.appArmor }}
    appArmorProfile: {{ if $.tenant.unconfined }}{type: Unconfined}{{ else }}{type: Localhost, localhostProfile: {{ . }}}{{ end }}
    {{- end }}
  resources: {{- toYaml .builder.resources | nindent 4 }}
  volumeMounts:
    {{- range $name, $volume := .builder.volumes }}
    - {name: builder-{{ $name }}, mountPath: {{ $volume.path }}}
    {{- end }}
    - {name: registry-credentials, mountPath: {{ .builder.credentials }}, readOnly: true}
    {{- if and .trustedCA .builder.trustedCA }}
    - {name: buildkeep-ca, mountPath: {{ .builder.trustedCA.path }}, readOnly: true}
    {{- end }}
    {{- if and (get .tenant.claims .name) (eq .name "kaniko") }}
    - {name: builder-cache, mountPath: /cache, readOnly: true}
    {{- end }}
{{- end }}

{{/*
The environment of a builder's container: its profile's, where its tenant pushes to and keeps layers, and the private
CA. Arguments: as above.
*/}}
{{- define "agent-templates.env" -}}
{{- $values := merge dict (.builder.env | default dict) }}
{{- with .tenant.push }}{{ $_ := set $values "BUILDKEEP_PUSH" . }}{{ end }}
{{- with .tenant.cache }}{{ $_ := set $values "BUILDKEEP_CACHE" . }}{{ end }}
{{- if .trustedCA }}{{ with .builder.trustedCA }}{{ $_ := set $values .variable .value }}{{ end }}{{ end }}
{{- range $name, $value := $values }}
- {name: {{ $name }}, value: {{ quote $value }}}
{{- end }}
{{- end }}
