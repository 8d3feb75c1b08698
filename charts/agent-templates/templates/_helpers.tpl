{{/* Labels of an object. Argument: the root context. */}}
{{- define "agent-templates.labels" -}}
app.kubernetes.io/name: agent-templates
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{/*
What all templates need, as JSON: `agent` and `builders` of profiles.yaml with the images of the values, and `tenants`:
those that are present, with their namespace and builders filled in. A builder with profiles on the nodes gets their names there, `localhost`, with a
hash of what is in them. Refuses what the schema cannot express, with every
problem in one message. Argument: the root context.
*/}}
{{- define "agent-templates.model" -}}
{{- $profiles := .Files.Get "profiles.yaml" | fromYaml }}
{{- $known := keys $profiles.builders | sortAlpha }}
{{- $problems := list }}
{{- with .Values.trustedCA }}
{{- if or (contains "PRIVATE KEY" .) (not (contains "-----BEGIN CERTIFICATE-----" .)) }}
{{- $problems = append $problems "trustedCA: holds a private key, or no certificate; write certificates in PEM, from -----BEGIN CERTIFICATE----- on" }}
{{- end }}
{{- end }}
{{- $problems = concat $problems (include "agent-templates.clusterProblems" . | fromJsonArray) }}
{{- with .Values.agent.image }}{{ $_ := set $profiles.agent "image" . }}{{ end }}
{{- range $name, $override := .Values.builders }}
{{- if not (has $name $known) }}
{{- $problems = append $problems (printf "builders.%s: unknown builder; write one of: %s" $name (join ", " $known)) }}
{{- else if $override.image }}
{{- $_ := set (index $profiles.builders $name) "image" $override.image }}
{{- end }}
{{- end }}
{{- range $name, $builder := $profiles.builders }}
{{- $localhost := dict }}
{{- if eq $builder.seccompProfile "Localhost" }}
{{- $_ := set $localhost "seccomp" (printf "buildkeep/%s-%s.json" $name ($.Files.Get (printf "seccomp/%s.json" $name) | sha256sum | trunc 12)) }}
{{- end }}
{{- if and $.Values.appArmor (eq $builder.appArmorProfile "Localhost") }}
{{- $_ := set $localhost "appArmor" (printf "buildkeep-%s-%s" $name ($.Files.Get (printf "apparmor/%s.profile" $name) | sha256sum | trunc 12)) }}
{{- end }}
{{- $_ := set $builder "localhost" $localhost }}
{{- $_ := set $builder "hostUsers" (not (and $.Values.userNamespaces $builder.userNamespace)) }}
{{- end }}
{{- $seen := dict }}
{{- $tenants := list }}
{{- range $index, $tenant := .Values.tenants }}
{{- $field := printf "tenants[%d] (%s)" $index $tenant.name }}
{{- $namespace := printf "%s%s" $.Values.namespacePrefix $tenant.name }}
{{- $builders := $tenant.builders | default list }}
{{- if not (hasKey $tenant "builders") }}{{ $builders = list "kaniko" }}{{ end }}
{{- if hasKey $seen $tenant.name }}
{{- $problems = append $problems (printf "%s.name: the same name as tenants[%v]; give each tenant its own" $field (get $seen $tenant.name)) }}
{{- end }}
{{- $_ := set $seen $tenant.name (toString $index) }}
{{- if eq $namespace $.Values.controller.namespace }}
{{- $problems = append $problems (printf "%s.name: its namespace %s is the controller's; choose another name, or another namespacePrefix" $field $namespace) }}
{{- end }}
{{- range $builders }}
{{- if not (has . $known) }}
{{- $problems = append $problems (printf "%s.builders: unknown builder %s; write one of: %s" $field . (join ", " $known)) }}
{{- else if not (index $profiles.builders .).image }}
{{- $problems = append $problems (printf "%s.builders: nobody publishes an image of %s; build one as images/README.md says, and name it in builders.%s.image" $field . .) }}
{{- end }}
{{- end }}
{{- if ne ($tenant.state | default "present") "absent" }}
{{- $tenants = append $tenants (dict "name" $tenant.name "namespace" $namespace "builders" $builders "pods" (dig "limits" "pods" 10 $tenant) "push" ($tenant.push | default "") "cache" (dig "cache" "registry" "" $tenant) "claims" (dig "cache" "claims" dict $tenant) "unconfined" (eq ($tenant.seccomp | default "confined") "unconfined")) }}
{{- end }}
{{- end }}
{{- if $problems }}{{ fail (printf "\n%s\n" (join "\n" $problems)) }}{{ end }}
{{- dict "agent" $profiles.agent "builders" $profiles.builders "tenants" $tenants | toJson }}
{{- end }}
