{{/*
How controller, agents and API server find each other, and when the controller removes agents that nobody knows any
more. Arguments: as of the cloud.
*/}}
{{- define "agent-templates.connection" -}}
{{- $port := int .controller.agentPort }}
webSocket: {{ not $port }}
{{- if and $port (not .controller.cluster) }}
# The Service that the chart of Jenkins makes for agents; elsewhere Jenkins itself tells them its port.
jenkinsTunnel: {{ .controller.name }}-agent.{{ .controller.namespace }}.svc.cluster.local:{{ $port }}
{{- end }}
{{- with .controller.cluster }}
serverUrl: {{ quote .url }}
credentialsId: {{ quote .credentialsId }}
{{- with .ca }}
serverCertificate: {{ toJson . }}
{{- end }}
{{- end }}
{{- with .controller.garbageCollection }}
# Each minute the plugin marks the pods of agents that it knows; those whose mark is older than this go.
garbageCollection: {namespaces: {{ $.tenant.namespace }}, timeout: {{ int . }}}
{{- end }}
{{- end }}

{{/*
What is wrong with `controller.cluster` beyond what the schema can say, as a JSON list. The certificate is never shown:
what was meant to be one may be a key. Argument: the root context.
*/}}
{{- define "agent-templates.clusterProblems" -}}
{{- $problems := list }}
{{- $cluster := .Values.controller.cluster | default dict }}
{{- if $cluster }}
{{- if not $cluster.url }}
{{- $problems = append $problems "controller.cluster.url: missing; write the https URL of the API server, or leave `cluster` empty" }}
{{- end }}
{{- if not $cluster.credentialsId }}
{{- $problems = append $problems "controller.cluster.credentialsId: missing; write the id of the credentials in Jenkins that hold the token" }}
{{- end }}
{{- if not .Values.controller.url }}
{{- $problems = append $problems "controller.url: missing; agents cannot find a controller outside of the cluster by a Service, so write its URL" }}
{{- end }}
{{- end }}
{{- with $cluster.ca }}
{{- if or (contains "PRIVATE KEY" .) (not (contains "-----BEGIN CERTIFICATE-----" .)) }}
{{- $problems = append $problems "controller.cluster.ca: holds a private key, or no certificate; write the CA's certificate in PEM" }}
{{- end }}
{{- end }}
{{- toJson $problems }}
{{- end }}
