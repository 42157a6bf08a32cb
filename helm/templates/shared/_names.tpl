{{- /* Names and labels. Components are called as in appliance/installation/components.py. */ -}}

{{- define "appliance.prefix" -}}
{{- .Values.fullnameOverride | default .Release.Name | trunc 30 | trimSuffix "-" -}}
{{- end -}}

{{- /* Of a component's objects. Takes (list root component). */ -}}
{{- define "appliance.name" -}}
{{- printf "%s-%s" (include "appliance.prefix" (index . 0)) (index . 1) -}}
{{- end -}}

{{- /* Of a model's engines: at most 52 characters, since pods get a hash behind it. Takes (list root model). */ -}}
{{- define "appliance.engine.name" -}}
{{- $whole := printf "%s-engine-%s" (include "appliance.prefix" (index . 0)) (include "appliance.slug" (index . 1).id) -}}
{{- if gt (len $whole) 52 -}}
{{- printf "%s-%s" ($whole | trunc 43 | trimSuffix "-") ($whole | sha256sum | trunc 8) -}}
{{- else -}}
{{- $whole -}}
{{- end -}}
{{- end -}}

{{- define "appliance.slug" -}}
{{- . | lower | replace "." "-" | replace "_" "-" -}}
{{- end -}}

{{- define "appliance.selector" -}}
app.kubernetes.io/name: appliance
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- define "appliance.labels" -}}
{{ include "appliance.selector" . }}
app.kubernetes.io/version: {{ (index . 0).Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ (index . 0).Release.Service }}
helm.sh/chart: {{ printf "%s-%s" (index . 0).Chart.Name (index . 0).Chart.Version }}
{{- with (index . 0).Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- /* The two selectors of one model's engines. Takes (list root model). */ -}}
{{- define "appliance.engine.selector" -}}
{{ include "appliance.selector" (list (index . 0) "engines") }}
appliance/model: {{ include "appliance.slug" (index . 1).id | trunc 63 | quote }}
{{- end -}}

{{- define "appliance.engine.labels" -}}
{{ include "appliance.labels" (list (index . 0) "engines") }}
appliance/model: {{ include "appliance.slug" (index . 1).id | trunc 63 | quote }}
{{- end -}}

{{- /* Name of the Secret with all keys. */ -}}
{{- define "appliance.secret" -}}
{{- .Values.secrets.existingSecret | default (include "appliance.name" (list . "secrets")) -}}
{{- end -}}

{{- /* "yes" when Keycloak is ours. */ -}}
{{- define "appliance.identity.bundled" -}}
{{- if and (eq .Values.identity.mode "oidc") (not .Values.identity.externalIssuer) -}}yes{{- end -}}
{{- end -}}
