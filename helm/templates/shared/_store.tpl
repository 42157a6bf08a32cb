{{- /* What the bundled stores have besides their workload. Takes (list root component port users…). */ -}}
{{- define "appliance.store.objects" -}}
{{- $root := index . 0 -}}
{{- $component := index . 1 -}}
{{- $port := index . 2 -}}
{{- $users := slice . 3 -}}
{{- $name := include "appliance.name" (list $root $component) -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ $name }}
  labels:
    {{- include "appliance.labels" (list $root $component) | nindent 4 }}
spec:
  type: ClusterIP
  selector:
    {{- include "appliance.selector" (list $root $component) | nindent 4 }}
  ports:
    - { name: main, port: {{ $port }}, targetPort: main }
---
# With one replica it says: at a drain of its node the pod may go; it comes back elsewhere with its volume.
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ $name }}
  labels:
    {{- include "appliance.labels" (list $root $component) | nindent 4 }}
spec:
  maxUnavailable: 1
  selector:
    matchLabels:
      {{- include "appliance.selector" (list $root $component) | nindent 6 }}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ $name }}
  labels:
    {{- include "appliance.labels" (list $root $component) | nindent 4 }}
spec:
  podSelector:
    matchLabels:
      {{- include "appliance.selector" (list $root $component) | nindent 6 }}
  policyTypes: [Ingress, Egress]
  ingress:
    - from:
        {{- include "appliance.peers" (prepend $users $root) | nindent 8 }}
      ports:
        - { protocol: TCP, port: {{ $port }} }
  egress: []
{{- end -}}

{{- define "appliance.store.head" -}}
{{- $root := index . 0 -}}
{{- $component := index . 1 -}}
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: {{ include "appliance.name" . }}
  labels:
    {{- include "appliance.labels" . | nindent 4 }}
spec:
  replicas: 1
  serviceName: {{ include "appliance.name" . }}
  # Volumes stay when the release is deleted.
  persistentVolumeClaimRetentionPolicy:
    whenDeleted: Retain
    whenScaled: Retain
  selector:
    matchLabels:
      {{- include "appliance.selector" . | nindent 6 }}
{{- end -}}
