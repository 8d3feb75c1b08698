{{/*
The JCasC of one tenant's cloud. Jenkins appends the lists `jenkins.clouds` of all files. An agent finds its template
again by `id`, so ids are made from names and stay. Arguments: tenant, agent, builders (both of the model), url,
pods (pod text by builder), controller (of the values).
*/}}
{{- define "agent-templates.cloud" -}}
{{- $tenant := .tenant }}
{{- $defaults := printf "%s-defaults" $tenant.name }}
jenkins:
  clouds:
    - kubernetes:
        name: {{ quote $tenant.name }}
        namespace: {{ $tenant.namespace }}
        jenkinsUrl: {{ quote .url }}
        {{- include "agent-templates.connection" . | trim | nindent 8 }}
        # The agent image that the plugin adds by itself gets a registry, so that it can be held to the allowlist.
        jnlpregistry: docker.io
        restrictedPssSecurityContext: true
        usageRestricted: true
        containerCapStr: {{ int $tenant.pods | quote }}
        # The plugin's labels win over a Jenkinsfile's; admission demands that this one fits the namespace.
        podLabels: [{key: buildkeep.dev/tenant, value: {{ quote $tenant.name }}}]
        defaultsProviderTemplate: {{ $defaults }}
        templates:
          # Part of every pod, also of those that a Jenkinsfile describes itself. Fields, since they win over any
          # `yaml` and cannot be dropped by a Jenkinsfile's `yamlMergeStrategy override()`.
          - id: {{ printf "%s/%s" $tenant.name $defaults | sha256sum | trunc 32 }}
            name: {{ $defaults }}
            nodeUsageMode: EXCLUSIVE
            # Seconds; longer waits only who cannot start, such as where a node lacks what the pod asks for.
            slaveConnectTimeout: 600
            serviceAccount: agent
            yamlMergeStrategy: merge
            inheritYamlMergeStrategy: true
            workspaceVolume: {emptyDirWorkspaceVolume: {memory: false, sizeLimit: {{ .agent.workspace }}}}
            containers:
              - name: jnlp
                image: {{ .agent.image }}
                runAsUser: {{ int .agent.runAsUser | quote }}
                runAsGroup: {{ int .agent.runAsGroup | quote }}
                resourceRequestCpu: {{ quote .agent.resources.requests.cpu }}
                resourceRequestMemory: {{ quote .agent.resources.requests.memory }}
                resourceLimitCpu: {{ quote .agent.resources.limits.cpu }}
                resourceLimitMemory: {{ quote .agent.resources.limits.memory }}
          {{- range $builder := $tenant.builders }}
          {{- $name := printf "%s-%s" $tenant.name $builder }}
          - id: {{ printf "%s/%s" $tenant.name $name | sha256sum | trunc 32 }}
            name: {{ $name }}
            label: {{ $name }}
            nodeUsageMode: EXCLUSIVE
            slaveConnectTimeout: 600
            serviceAccount: builder-{{ $builder }}
            {{- if and (get $tenant.claims $builder) (hasKey ((get $.builders $builder).volumes | default dict) "state") }}
            # Its state is on a claim, which one daemon at a time can have.
            instanceCapStr: "1"
            {{- end }}
            yamlMergeStrategy: merge
            inheritYamlMergeStrategy: true
            yaml: |
              {{- get $.pods $builder | nindent 14 }}
          {{- end }}
{{- end }}
