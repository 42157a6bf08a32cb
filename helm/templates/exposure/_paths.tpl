{{- /* What people and programs reach of a gateway: pages, API, sign-on, provisioning. Metrics, readiness and the
description of the API are not among them. A test holds the list against the gateway's routes. */ -}}
{{- define "appliance.paths.gateway" -}}
{{- $paths := list -}}
{{- range list "/" "/favicon.svg" "/health/live" }}{{ $paths = append $paths (dict "path" . "type" "Exact") }}{{ end -}}
{{- range list "/api" "/v1" "/auth" "/scim" "/assets" "/login" "/c" "/library" "/models" "/account" -}}
{{- $paths = append $paths (dict "path" . "type" "Prefix") -}}
{{- end -}}
{{- toJson $paths -}}
{{- end -}}
