{{- /* What pods of gateways and workers have in common. */ -}}

{{- define "appliance.gateway.env" -}}
- { name: APPLIANCE_CONFIG, value: /etc/appliance/settings/appliance.toml }
- { name: HOME, value: /tmp }
{{- end -}}

{{- define "appliance.gateway.mounts" -}}
- { name: data, mountPath: /var/lib/appliance }
- { name: run, mountPath: /var/lib/appliance/run }
- { name: logs, mountPath: /var/lib/appliance/logs }
- { name: temporary, mountPath: /tmp }
- { name: settings, mountPath: /etc/appliance/settings, readOnly: true }
- { name: secrets, mountPath: /etc/appliance/secrets, readOnly: true }
{{- if .Values.engines.models.existingClaim }}
- name: models
  mountPath: /var/lib/appliance-models
  readOnly: true
  {{- with .Values.engines.models.subPath }}
  subPath: {{ . | quote }}
  {{- end }}
{{- end }}
{{- if .Values.identity.ca.existingConfigMap }}
- { name: authorities, mountPath: /etc/appliance/ca, readOnly: true }
{{- end }}
{{- end -}}

{{- /* Folders under which each pod's own volumes are mounted, so that the shared volume has them. */ -}}
{{- define "appliance.prepare" -}}
- name: prepare
  image: {{ include "appliance.image" (list . "gateway") }}
  imagePullPolicy: {{ .Values.images.pullPolicy }}
  command: [mkdir, -p, /var/lib/appliance/run, /var/lib/appliance/logs, /var/lib/appliance/usage]
  securityContext:
    {{- include "appliance.containerSecurity" . | nindent 4 }}
  resources:
    requests: { cpu: 10m, memory: 16Mi }
    limits: { cpu: 100m, memory: 64Mi }
  volumeMounts:
    - { name: data, mountPath: /var/lib/appliance }
{{- end -}}

{{- /* Takes (list root component). */ -}}
{{- define "appliance.gateway.volumes" -}}
{{- $root := index . 0 -}}
- name: data
  persistentVolumeClaim:
    claimName: {{ include "appliance.data.claim" $root }}
- name: run
  emptyDir: { sizeLimit: 64Mi }
- name: logs
  emptyDir: { sizeLimit: 1Gi }
- name: temporary
  emptyDir: { sizeLimit: 4Gi }
- name: settings
  configMap:
    name: {{ include "appliance.name" . }}
{{ include "appliance.secretVolume" (list $root (include "appliance.settings.secrets" $root | fromJsonArray)) }}
{{- if $root.Values.engines.models.existingClaim }}
- name: models
  persistentVolumeClaim:
    claimName: {{ $root.Values.engines.models.existingClaim | quote }}
    readOnly: true
{{- end }}
{{- if $root.Values.identity.ca.existingConfigMap }}
- name: authorities
  configMap:
    name: {{ $root.Values.identity.ca.existingConfigMap | quote }}
    items:
      - { key: {{ $root.Values.identity.ca.key | quote }}, path: ca.pem }
{{- end }}
{{- end -}}

{{- define "appliance.data.claim" -}}
{{- .Values.gateway.data.existingClaim | default (include "appliance.name" (list . "data")) -}}
{{- end -}}
