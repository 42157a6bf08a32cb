{{- /* Pieces of NetworkPolicies. */ -}}

{{- /* Pods of components of this release. Takes (list root component…). */ -}}
{{- define "appliance.peers" -}}
{{- $root := index . 0 -}}
{{- range rest . }}
- podSelector:
    matchLabels:
      {{- include "appliance.selector" (list $root .) | nindent 6 }}
{{- end }}
{{- end -}}

{{- define "appliance.dns" -}}
- to:
    - namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: {{ .Values.networkPolicy.dns.namespace | quote }}
      podSelector:
        matchLabels:
          {{- toYaml .Values.networkPolicy.dns.podLabels | nindent 10 }}
  ports:
    - { protocol: UDP, port: 53 }
    - { protocol: TCP, port: 53 }
{{- end -}}

{{- /* What lies outside, by address and port. */ -}}
{{- define "appliance.external" -}}
{{- range .Values.networkPolicy.external }}
- to:
    - ipBlock:
        cidr: {{ .cidr | quote }}
  ports:
    {{- range .ports }}
    - { protocol: TCP, port: {{ int . }} }
    {{- end }}
{{- end }}
{{- end -}}

{{- /* Where gateways and workers go. */ -}}
{{- define "appliance.gateway.egress" -}}
{{ include "appliance.dns" . }}
{{- if .Values.models }}
- to:
    {{- include "appliance.peers" (list . "engines") | nindent 4 }}
  ports:
    - { protocol: TCP, port: 8101 }
{{- end }}
{{- if eq .Values.database.mode "bundled" }}
- to:
    {{- include "appliance.peers" (list . "database") | nindent 4 }}
  ports:
    - { protocol: TCP, port: 5432 }
{{- end }}
{{- if eq .Values.index.mode "bundled" }}
- to:
    {{- include "appliance.peers" (list . "index") | nindent 4 }}
  ports:
    - { protocol: TCP, port: 6333 }
{{- end }}
{{- if eq .Values.cache.mode "bundled" }}
- to:
    {{- include "appliance.peers" (list . "cache") | nindent 4 }}
  ports:
    - { protocol: TCP, port: 6379 }
{{- end }}
{{- include "appliance.external" . }}
{{- end -}}
