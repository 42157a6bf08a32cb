{{- /* What all pods have: images by digest, and the restricted profile of pod security. */ -}}

{{- /* Takes (list root name-below-images). */ -}}
{{- define "appliance.image" -}}
{{- $images := (index . 0).Values.images -}}
{{- $image := index $images (index . 1) -}}
{{- $repository := $images.registry | empty | ternary $image.repository (printf "%s/%s" $images.registry $image.repository) -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $repository $image.digest -}}
{{- else if and $images.allowTags $image.tag -}}
{{- printf "%s:%s" $repository $image.tag -}}
{{- else -}}
{{- fail (printf "\n\nimages.%s.digest is missing. Images are named by digest, so that what was tested is what runs.\nThe way out: take it from the bundle (images/index.json), or for a lab set images.allowTags and images.%s.tag." (index . 1) (index . 1)) -}}
{{- end -}}
{{- end -}}

{{- define "appliance.pullSecrets" -}}
{{- with .Values.images.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . | quote }}
  {{- end }}
{{- end }}
{{- end -}}

{{- /* Of a pod. Takes the user id. */ -}}
{{- define "appliance.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "appliance.containerSecurity" -}}
allowPrivilegeEscalation: false
privileged: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities:
  drop: [ALL]
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- /* What every pod's spec begins with. Takes (list root component user-id). */ -}}
{{- define "appliance.podHead" -}}
serviceAccountName: {{ include "appliance.name" (list (index . 0) (index . 1)) }}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  {{- include "appliance.podSecurity" (index . 2) | nindent 2 }}
{{- include "appliance.pullSecrets" (index . 0) }}
{{- end -}}

{{- define "appliance.placement" -}}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- /* Traffic has found other ways before the signal comes. */ -}}
{{- define "appliance.preStop" -}}
lifecycle:
  preStop:
    exec:
      command: [sleep, "10"]
{{- end -}}

{{- /* Files of some keys of the Secret. Takes (list root list-of-keys). */ -}}
{{- define "appliance.secretVolume" -}}
- name: secrets
  secret:
    secretName: {{ include "appliance.secret" (index . 0) }}
    defaultMode: 0440
    items:
      {{- range index . 1 }}
      - { key: {{ . }}, path: {{ . }} }
      {{- end }}
{{- end -}}

{{- define "appliance.claim" -}}
accessModes: [{{ .accessMode | default "ReadWriteOnce" }}]
{{- with .storageClass }}
storageClassName: {{ . | quote }}
{{- end }}
resources:
  requests:
    storage: {{ .size | quote }}
{{- end -}}
