{{- /* Guards of templates/validations.yaml. */ -}}

{{- define "appliance.refuse.copies" -}}
{{- $copies := int .Values.gateway.replicas -}}
{{- $workers := int .Values.worker.replicas -}}
{{- if and (eq .Values.index.mode "embedded") (or (gt $copies 1) (gt $workers 0)) -}}
{{- fail "\n\nindex.mode is 'embedded', and gateway.replicas or worker.replicas wants more processes. The embedded index belongs to one process; a second one would not find what the first has taken in.\nThe way out: index.mode 'bundled' or 'external', or one gateway and no worker." -}}
{{- end -}}
{{- if and (ne .Values.gateway.data.accessMode "ReadWriteMany") (or (gt $copies 1) (gt $workers 0)) -}}
{{- fail "\n\ngateway.data.accessMode is 'ReadWriteOnce', and gateway.replicas or worker.replicas wants more pods. They could not start on another node, and an update would wait for ever.\nThe way out: a storage class that can ReadWriteMany, or one gateway and no worker." -}}
{{- end -}}
{{- if and (gt $copies 1) (eq .Values.cache.mode "none") -}}
{{- fail "\n\ngateway.replicas is more than 1, and cache.mode is 'none': each gateway would count rates and requests at once by itself.\nThe way out: cache.mode 'bundled' or 'external'." -}}
{{- end -}}
{{- end -}}

{{- define "appliance.refuse.secrets" -}}
{{- if and .Values.secrets.existingSecret .Values.secrets.values -}}
{{- fail "\n\nsecrets.existingSecret and secrets.values are both given; it would be unclear which one counts.\nThe way out: leave secrets.values empty." -}}
{{- end -}}
{{- if not (or .Values.secrets.existingSecret .Values.secrets.values) -}}
{{- fail "\n\nsecrets.existingSecret is missing. The chart makes no secrets up: they would be others at the next upgrade.\nThe way out: kubectl create secret generic appliance-secrets --from-file=FOLDER, with the files of docs/reference/chart.md." -}}
{{- end -}}
{{- if not .Values.secrets.existingSecret -}}
{{- range $key := include "appliance.secrets.needed" . | fromJsonArray -}}
{{- if not (hasKey $.Values.secrets.values $key) -}}
{{- fail (printf "\n\nsecrets.values.%s is missing.\nThe way out: add it; what it is for stands in docs/reference/chart.md." $key) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "appliance.secrets.needed" -}}
{{- $keys := include "appliance.settings.secrets" . | fromJsonArray -}}
{{- $identity := include "appliance.identity.bundled" . -}}
{{- if eq .Values.database.mode "bundled" }}{{ $keys = concat $keys (list "database-password" "database-admin-password") }}{{ end -}}
{{- if eq .Values.cache.mode "bundled" }}{{ $keys = append $keys "cache-password" }}{{ end -}}
{{- if $identity -}}
{{- $keys = concat $keys (list "identity-database-password" "identity-admin-password") -}}
{{- if eq .Values.database.mode "external" }}{{ $keys = concat $keys (list "identity-database-url" "identity-database-user") }}{{ end -}}
{{- end -}}
{{- toJson $keys -}}
{{- end -}}

{{- define "appliance.refuse.models" -}}
{{- $ids := list -}}
{{- $names := list -}}
{{- range $model := .Values.models -}}
{{- if has $model.id $ids }}{{ fail (printf "\n\nmodels: '%s' is listed twice.\nThe way out: 'replicas' says how many engines it has." $model.id) }}{{ end -}}
{{- $ids = append $ids $model.id -}}
{{- $name := include "appliance.slug" $model.id -}}
{{- if has $name $names }}{{ fail (printf "\n\nmodels: '%s' has the name of another one once '.' and '_' are '-'.\nThe way out: give one of them another id." $model.id) }}{{ end -}}
{{- $names = append $names $name -}}
{{- if and (not $model.baseUrls) (not $.Values.engines.models.existingClaim) -}}
{{- fail (printf "\n\nengines.models.existingClaim is missing, and '%s' is to run here: an engine reads its model from a volume and fetches nothing.\nThe way out: a PersistentVolumeClaim with the folder of each model (docs/reference/chart.md), or baseUrls." $model.id) -}}
{{- end -}}
{{- if and $model.adapters (not $.Values.engines.adapters.existingClaim) -}}
{{- fail (printf "\n\nengines.adapters.existingClaim is missing, and '%s' takes adapters.\nThe way out: name the volume with the adapters." $model.id) -}}
{{- end -}}
{{- if and $model.autoscaling $.Values.autoscaling.enabled (not $.Values.autoscaling.prometheusUrl) -}}
{{- fail (printf "\n\nautoscaling.prometheusUrl is missing, and '%s' is to be scaled by what Prometheus says.\nThe way out: name it, or set autoscaling.enabled to false." $model.id) -}}
{{- end -}}
{{- if and $model.autoscaling (lt (int $model.autoscaling.maxReplicas) (int ($model.replicas | default 1))) -}}
{{- fail (printf "\n\nmodels: '%s' has an autoscaling.maxReplicas below its replicas.\nThe way out: at least as many." $model.id) -}}
{{- end -}}
{{- if and (eq ($model.device | default "gpu") "cpu") (gt (int ($model.nodes | default 1)) 1) -}}
{{- fail (printf "\n\nmodels: '%s' wants several nodes without GPUs, which no engine can.\nThe way out: nodes 1." $model.id) -}}
{{- end -}}
{{- end -}}
{{- range $model := .Values.models -}}
{{- range $other := $model.fallbacks | default list -}}
{{- if not (has $other $ids) }}{{ fail (printf "\n\nmodels: '%s' falls back to '%s', which is not listed.\nThe way out: list it, or take it out of fallbacks." $model.id $other) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "appliance.refuse.parts" -}}
{{- if and (eq .Values.index.mode "external") (not .Values.index.url) -}}
{{- fail "\n\nindex.mode is 'external', and index.url is missing.\nThe way out: its address, as https://host:6333." -}}
{{- end -}}
{{- if and (eq .Values.identity.mode "oidc") (not (or .Values.identity.hostname .Values.identity.externalIssuer)) -}}
{{- fail "\n\nidentity.mode is 'oidc', and neither identity.hostname nor identity.externalIssuer is given.\nThe way out: the host name of the bundled Keycloak, or the issuer of yours." -}}
{{- end -}}
{{- if and (eq .Values.identity.mode "oidc") (not .Values.identity.admittedGroups) -}}
{{- fail "\n\nidentity.admittedGroups is empty: nobody could log in.\nThe way out: groups of the provider, as [/staff]." -}}
{{- end -}}
{{- if and (eq .Values.exposure.mode "ingress") (not .Values.exposure.ingress.tlsSecret) -}}
{{- fail "\n\nexposure.ingress.tlsSecret is missing: passwords and answers would cross the network in the clear.\nThe way out: kubectl create secret tls, and its name here." -}}
{{- end -}}
{{- if and (eq .Values.exposure.mode "gateway") (not .Values.exposure.gateway.name) -}}
{{- fail "\n\nexposure.gateway.name is missing.\nThe way out: the Gateway that the routes belong to." -}}
{{- end -}}
{{- if and .Values.backup.enabled (not .Values.backup.existingClaim) -}}
{{- fail "\n\nbackup.existingClaim is missing: a backup on no disk is none.\nThe way out: a PersistentVolumeClaim, best on other disks." -}}
{{- end -}}
{{- if and .Values.backup.enabled (ne .Values.gateway.data.accessMode "ReadWriteMany") -}}
{{- fail "\n\nbackup.enabled is true, and gateway.data.accessMode is 'ReadWriteOnce': a second pod cannot read the documents.\nThe way out: a storage class that can ReadWriteMany, or snapshots of your storage." -}}
{{- end -}}
{{- end -}}

{{- define "appliance.refuse.network" -}}
{{- range .Values.networkPolicy.external -}}
{{- $bits := splitList "/" .cidr | last | int -}}
{{- if lt $bits 8 -}}
{{- fail (printf "\n\nnetworkPolicy.external: '%s' is next to the whole internet, and the appliance promises that nothing leaves.\nThe way out: the addresses that it needs, as 10.1.2.3/32." .cidr) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* What an upgrade must not change without being told. */ -}}
{{- define "appliance.installed" -}}
{{- $index := eq .Values.index.mode "external" | ternary .Values.index.url .Values.index.mode -}}
{{- dict
  "version" .Chart.Version
  "names" (include "appliance.prefix" .)
  "secret" (include "appliance.secret" .)
  "data" (include "appliance.data.claim" .)
  "database" .Values.database.mode
  "index" $index
  "identity" (include "appliance.identity.bundled" . | empty | ternary (.Values.identity.externalIssuer | default "local") "bundled")
  "claims" (printf "usage=%s/%s database=%s/%s index=%s/%s" .Values.gateway.usage.size .Values.gateway.usage.storageClass .Values.database.size .Values.database.storageClass .Values.index.size .Values.index.storageClass)
| toJson -}}
{{- end -}}

{{- define "appliance.refuse.upgrade" -}}
{{- $now := include "appliance.installed" . | fromJson -}}
{{- $was := (lookup "v1" "ConfigMap" .Release.Namespace (printf "appliance-%s-installed" .Release.Name)).data | default dict -}}
{{- if $was -}}
{{- include "appliance.refuse.moved" (list . $was $now) -}}
{{- include "appliance.refuse.claims" (list . $was $now) -}}
{{- include "appliance.refuse.keys" (list . $was $now) -}}
{{- include "appliance.refuse.jump" (list . $was $now) -}}
{{- end -}}
{{- end -}}

{{- define "appliance.refuse.moved" -}}
{{- $was := index . 1 -}}
{{- $now := index . 2 -}}
{{- if not (index . 0).Values.upgrade.acceptDataMove -}}
{{- range list
  (list "names" "fullnameOverride, which begins the names of all volumes")
  (list "data" "the volume of documents (gateway.data.existingClaim)")
  (list "database" "database.mode")
  (list "index" "the index (index.mode, index.url)")
  (list "identity" "the identity provider (identity.mode, identity.externalIssuer)") -}}
{{- $key := index . 0 -}}
{{- $what := index . 1 -}}
{{- if ne (get $was $key) (get $now $key) -}}
{{- fail (printf "\n\nThis upgrade changes %s from '%s' to '%s'. The appliance would start empty beside its data: documents, accounts or chats would be gone from sight, and two halves would grow apart.\nThe way out: put back '%s'; or move the data first (helm/UPGRADE.md) and then set upgrade.acceptDataMove=true once." $what (get $was $key) (get $now $key) (get $was $key)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* Kubernetes cannot change them in place, and would say so after half of the upgrade. */ -}}
{{- define "appliance.refuse.claims" -}}
{{- $was := index . 1 -}}
{{- $now := index . 2 -}}
{{- if and (not (index . 0).Values.upgrade.acceptDataMove) (ne $was.claims $now.claims) -}}
{{- fail (printf "\n\nThis upgrade changes the size or storage class of volumes that workloads made for themselves, from '%s' to '%s', which Kubernetes does not do in place.\nThe way out: make the claim larger (kubectl edit pvc), delete the StatefulSet with --cascade=orphan, which leaves pods and data, and set upgrade.acceptDataMove=true once." $was.claims $now.claims) -}}
{{- end -}}
{{- end -}}

{{- define "appliance.refuse.keys" -}}
{{- $root := index . 0 -}}
{{- $was := index . 1 -}}
{{- $now := index . 2 -}}
{{- if not $root.Values.upgrade.acceptChangedKeys -}}
{{- if ne $was.secret $now.secret -}}
{{- fail (printf "\n\nThis upgrade takes its secrets from '%s' instead of '%s'. With other keys the database, the index and what is sealed (sessions, tokens) cannot be read.\nThe way out: put back '%s'; or, when the new one has the same values, set upgrade.acceptChangedKeys=true once." $now.secret $was.secret $was.secret) -}}
{{- end -}}
{{- $there := (lookup "v1" "Secret" $root.Release.Namespace $now.secret).data | default dict -}}
{{- range $key, $value := $root.Values.secrets.values -}}
{{- if and (hasKey $there $key) (ne (get $there $key | b64dec) $value) -}}
{{- fail (printf "\n\nThis upgrade changes secrets.values.%s. What was made with the old one cannot be read with the new one.\nThe way out: put the old one back (kubectl get secret %s -o yaml); or change it where it is used first, and then set upgrade.acceptChangedKeys=true once." $key $now.secret) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "appliance.refuse.jump" -}}
{{- $was := index . 1 -}}
{{- $now := index . 2 -}}
{{- if not (index . 0).Values.upgrade.acceptVersionJump -}}
{{- $from := semver $was.version -}}
{{- $to := semver $now.version -}}
{{- if or (lt $to.Major $from.Major) (and (eq $to.Major $from.Major) (lt $to.Minor $from.Minor)) -}}
{{- fail (printf "\n\nThis is version %s, and %s is installed. The database has gone on and does not go back.\nThe way out: helm rollback together with a restore of the backup from before the upgrade (helm/UPGRADE.md), then upgrade.acceptVersionJump=true." $now.version $was.version) -}}
{{- end -}}
{{- if or (gt (sub $to.Major $from.Major) 1) (and (eq $to.Major $from.Major) (gt (sub $to.Minor $from.Minor) 1)) -}}
{{- fail (printf "\n\nThis is version %s, and %s is installed: versions between them are skipped. Each brings the data one step further, and steps were tested one after another.\nThe way out: upgrade to each minor version in turn; or set upgrade.acceptVersionJump=true when the release notes allow it." $now.version $was.version) -}}
{{- end -}}
{{- end -}}
{{- end -}}
