{{/*
The rules of the controller's Role: the verbs of those calls in verbs.yaml that the values switch on, by resource, as
module_utils/rbac_verbs.py has them. Argument: the root context.
*/}}
{{- define "agent-templates.controllerRules" -}}
{{- $on := list "always" }}
{{- if gt (int (dig "garbageCollection" 0 .Values.controller)) 0 }}{{ $on = append $on "garbage_collection" }}{{ end }}
{{- if dig "dynamicClaims" false .Values.controller }}{{ $on = append $on "dynamic_claims" }}{{ end }}
{{- $resources := list }}
{{- $verbs := dict }}
{{- range (.Files.Get "verbs.yaml" | fromYaml).calls }}
{{- if and (has (.when | default "always") $on) (eq (.where | default "tenant") "tenant") }}
{{- $resources = append $resources .resource }}
{{- $_ := set $verbs .resource (concat (get $verbs .resource | default list) .verbs) }}
{{- end }}
{{- end }}
{{- range $resource := uniq $resources }}
- {apiGroups: [""], resources: [{{ $resource }}], verbs: [{{ get $verbs $resource | uniq | sortAlpha | join ", " }}]}
{{- end }}
{{- end }}
