{{- /* appliance.toml of gateways and workers: what the values say, with `settings` laid over it. */ -}}

{{- /* Addresses of a model's engines: each pod by its own name, so that the gateway chooses among them. With
autoscaling all that there may be; those that are not there are found out by the gateway. Takes (list root model). */ -}}
{{- define "appliance.engine.urls" -}}
{{- $root := index . 0 -}}
{{- $model := index . 1 -}}
{{- $urls := $model.baseUrls | default list -}}
{{- if not $urls -}}
{{- $name := include "appliance.engine.name" . -}}
{{- range $n := until (include "appliance.engine.most" . | int) -}}
{{- $urls = append $urls (printf "http://%s-%d.%s.%s.svc:8101/v1" $name $n $name $root.Release.Namespace) -}}
{{- end -}}
{{- end -}}
{{- toJson $urls -}}
{{- end -}}

{{- /* How many engines of a model there may be. Takes (list root model). */ -}}
{{- define "appliance.engine.most" -}}
{{- $model := index . 1 -}}
{{- $least := $model.replicas | default 1 | int -}}
{{- if and (index . 0).Values.autoscaling.enabled $model.autoscaling -}}
{{- max $least (int $model.autoscaling.maxReplicas) -}}
{{- else -}}
{{- $least -}}
{{- end -}}
{{- end -}}

{{- define "appliance.settings.models" -}}
{{- $root := . -}}
{{- $models := list -}}
{{- range .Values.models -}}
{{- $one := dict "id" .id "base_urls" (include "appliance.engine.urls" (list $root .) | fromJsonArray) -}}
{{- with .fallbacks }}{{ $_ := set $one "fallbacks" . }}{{ end -}}
{{- with .maxRunning }}{{ $_ := set $one "max_running" . }}{{ end -}}
{{- with .maxWaiting }}{{ $_ := set $one "max_waiting" . }}{{ end -}}
{{- $models = append $models $one -}}
{{- end -}}
{{- toJson $models -}}
{{- end -}}

{{- define "appliance.settings.oidc" -}}
{{- $identity := .Values.identity -}}
{{- $issuer := $identity.externalIssuer | default (printf "https://%s/realms/%s" $identity.hostname $identity.realm) -}}
{{- $oidc := dict "issuer" $issuer "client_id" $identity.clientId "audience" $identity.clientId "roles_claim" "roles" -}}
{{- $_ := set $oidc "client_secret_file" "/etc/appliance/secrets/oidc-client" -}}
{{- $_ := set $oidc "session_key_file" "/etc/appliance/secrets/session-key" -}}
{{- $_ := set $oidc "allowed_azp" (list $identity.clientId (printf "%s-service" $identity.clientId)) -}}
{{- $_ := set $oidc "admitted_groups" $identity.admittedGroups -}}
{{- with $identity.roleGroups }}{{ $_ := set $oidc "role_groups" . }}{{ end -}}
{{- if $identity.ca.existingConfigMap }}{{ $_ := set $oidc "ca_file" "/etc/appliance/ca/ca.pem" }}{{ end -}}
{{- if not $identity.externalIssuer -}}
{{- $_ := set $oidc "directory_client_id" (printf "%s-directory" $identity.clientId) -}}
{{- $_ := set $oidc "directory_secret_file" "/etc/appliance/secrets/oidc-directory" -}}
{{- end -}}
{{- toJson $oidc -}}
{{- end -}}

{{- define "appliance.settings" -}}
{{- $made := dict "data_dir" "/var/lib/appliance" -}}
{{- $_ := set $made "server" (dict "host" "0.0.0.0" "port" 8080 "public_url" .Values.publicUrl "trusted_proxies" .Values.exposure.trustedProxies) -}}
{{- $_ := set $made "database" (dict "url_file" "/etc/appliance/secrets/database-url") -}}
{{- $engines := dict "models" (include "appliance.settings.models" . | fromJsonArray) -}}
{{- if .Values.engines.models.existingClaim }}{{ $_ := set $engines "model_dir" "/var/lib/appliance-models" }}{{ end -}}
{{- $_ := set $made "engines" $engines -}}
{{- $_ := set $made "metrics" (dict "token_file" "/etc/appliance/secrets/metrics-token") -}}
{{- if ne .Values.index.mode "embedded" -}}
{{- $url := .Values.index.url | default (printf "http://%s.%s.svc:6333" (include "appliance.name" (list . "index")) .Release.Namespace) -}}
{{- $_ := set $made "index" (dict "url" $url "api_key_file" "/etc/appliance/secrets/index-key") -}}
{{- end -}}
{{- if ne .Values.cache.mode "none" -}}
{{- $_ := set $made "limits" (dict "url_file" "/etc/appliance/secrets/cache-url") -}}
{{- end -}}
{{- if eq .Values.identity.mode "oidc" -}}
{{- $_ := set $made "identity" (dict "mode" "oidc" "oidc" (include "appliance.settings.oidc" . | fromJson)) -}}
{{- else -}}
{{- $_ := set $made "admin" (dict "email" .Values.identity.adminEmail "password_file" "/etc/appliance/secrets/admin-password") -}}
{{- end -}}
{{- toJson (mustMergeOverwrite $made (deepCopy .Values.settings)) -}}
{{- end -}}

{{- /* Keys of the Secret that gateways and workers read. */ -}}
{{- define "appliance.settings.secrets" -}}
{{- $keys := list "database-url" "metrics-token" -}}
{{- if ne .Values.index.mode "embedded" }}{{ $keys = append $keys "index-key" }}{{ end -}}
{{- if ne .Values.cache.mode "none" }}{{ $keys = append $keys "cache-url" }}{{ end -}}
{{- if eq .Values.identity.mode "oidc" -}}
{{- $keys = concat $keys (list "oidc-client" "session-key") -}}
{{- if not .Values.identity.externalIssuer }}{{ $keys = append $keys "oidc-directory" }}{{ end -}}
{{- else -}}
{{- $keys = append $keys "admin-password" -}}
{{- end -}}
{{- toJson $keys -}}
{{- end -}}

{{- /* TOML: plain values first, then tables, then lists of tables. JSON's texts and numbers are TOML's. */ -}}
{{- define "appliance.toml" -}}
{{- $path := .path -}}
{{- range $key, $value := .table -}}
{{- if not (include "appliance.toml.isTables" $value) }}
{{ toJson $key }} = {{ include "appliance.toml.value" $value }}
{{- end -}}
{{- end -}}
{{- range $key, $value := .table -}}
{{- $name := append $path (toJson $key) -}}
{{- if kindIs "map" $value }}

[{{ join "." $name }}]
{{- include "appliance.toml" (dict "table" $value "path" $name) -}}
{{- else if include "appliance.toml.isTables" $value -}}
{{- range $value }}

[[{{ join "." $name }}]]
{{- include "appliance.toml" (dict "table" . "path" $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "appliance.toml.isTables" -}}
{{- if kindIs "map" . -}}yes
{{- else if and (kindIs "slice" .) . -}}
{{- if kindIs "map" (first .) -}}yes{{- end -}}
{{- end -}}
{{- end -}}

{{- define "appliance.toml.value" -}}
{{- if kindIs "slice" . -}}
{{- $values := list -}}
{{- range . }}{{ $values = append $values (include "appliance.toml.value" .) }}{{ end -}}
[{{ join ", " $values }}]
{{- else -}}
{{- toJson . -}}
{{- end -}}
{{- end -}}
