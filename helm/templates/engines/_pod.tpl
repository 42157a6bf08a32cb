{{- /* Pods of vLLM. Paths, environment and flags as in appliance/inference/command.py; a test holds them together. */ -}}

{{- /* Arguments of an engine. Takes (list root model). */ -}}
{{- define "appliance.engine.args" -}}
{{- $root := index . 0 -}}
{{- $model := index . 1 -}}
- --model
- {{ printf "/var/lib/appliance-models/%s" $model.id | quote }}
- --served-model-name
- {{ $model.id | quote }}
- --host
- "0.0.0.0"
- --port
- "8101"
- --disable-uvicorn-access-log
- --scheduling-policy
- priority
- --shutdown-timeout
- {{ $root.Values.engines.drainSeconds | int | quote }}
{{- if eq ($model.device | default "gpu") "cpu" }}
- --enforce-eager
{{- else }}
- --gpu-memory-utilization
- "0.920"
{{- if gt (int ($model.gpus | default 1)) 1 }}
- --tensor-parallel-size
- {{ $model.gpus | int | quote }}
{{- end }}
{{- end }}
{{- if gt (int ($model.nodes | default 1)) 1 }}
- --pipeline-parallel-size
- {{ $model.nodes | int | quote }}
- --distributed-executor-backend
- ray
{{- end }}
{{- if $model.adapters }}
- --enable-lora
{{- end }}
{{- range $model.args }}
- {{ . | quote }}
{{- end }}
{{- end -}}

{{- define "appliance.engine.env" -}}
{{- $root := index . 0 -}}
{{- $model := index . 1 -}}
- { name: HOME, value: /tmp }
- { name: LANG, value: C.UTF-8 }
- { name: HF_HUB_OFFLINE, value: "1" }
- { name: TRANSFORMERS_OFFLINE, value: "1" }
- { name: VLLM_NO_USAGE_STATS, value: "1" }
- { name: DO_NOT_TRACK, value: "1" }
- { name: VLLM_CACHE_ROOT, value: /var/cache/engine }
- { name: VLLM_MAX_N_SEQUENCES, value: "8" }
{{- if eq ($model.device | default "gpu") "cpu" }}
- { name: VLLM_CPU_KVCACHE_SPACE, value: {{ $model.kvCacheGib | default 1 | int | quote }} }
- { name: OMP_NUM_THREADS, value: {{ $model.threads | default 2 | int | quote }} }
- { name: OMP_WAIT_POLICY, value: PASSIVE }
{{- end }}
{{- if $model.adapters }}
- { name: VLLM_ALLOW_RUNTIME_LORA_UPDATING, value: "1" }
{{- end }}
{{- if gt (int ($model.nodes | default 1)) 1 }}
- { name: RAY_USAGE_STATS_ENABLED, value: "0" }
- { name: RAY_TMPDIR, value: /tmp }
- name: VLLM_HOST_IP
  valueFrom: { fieldRef: { fieldPath: status.podIP } }
{{- end }}
- name: PROBE
  value: {{ mergeOverwrite (dict "model" $model.id "task" $model.task) ($model.probe | default dict) | toJson | quote }}
{{- end -}}

{{- define "appliance.engine.resources" -}}
{{- $root := index . 0 -}}
{{- $model := index . 1 -}}
{{- $resources := deepCopy $model.resources -}}
{{- if ne ($model.device | default "gpu") "cpu" -}}
{{- $gpus := dict $root.Values.engines.gpuResource (int ($model.gpus | default 1)) -}}
{{- $_ := set $resources "limits" (mergeOverwrite ($resources.limits | default dict) $gpus) -}}
{{- $_ := set $resources "requests" (mergeOverwrite ($resources.requests | default dict) $gpus) -}}
{{- end -}}
{{- toYaml $resources -}}
{{- end -}}

{{- define "appliance.engine.mounts" -}}
{{- $root := index . 0 -}}
- name: models
  mountPath: /var/lib/appliance-models
  readOnly: true
  {{- with $root.Values.engines.models.subPath }}
  subPath: {{ . | quote }}
  {{- end }}
- { name: cache, mountPath: /var/cache/engine }
- { name: temporary, mountPath: /tmp }
- { name: shared-memory, mountPath: /dev/shm }
- { name: probes, mountPath: /etc/appliance/probes, readOnly: true }
{{- if (index . 1).adapters }}
- { name: adapters, mountPath: /var/lib/appliance-adapters, readOnly: true }
{{- end }}
{{- end -}}

{{- define "appliance.engine.volumes" -}}
{{- $root := index . 0 -}}
- name: models
  persistentVolumeClaim:
    claimName: {{ $root.Values.engines.models.existingClaim | quote }}
    readOnly: true
- name: cache
  emptyDir: { sizeLimit: {{ $root.Values.engines.cacheSize | quote }} }
- name: temporary
  emptyDir: { sizeLimit: 4Gi }
- name: shared-memory
  emptyDir: { medium: Memory, sizeLimit: {{ $root.Values.engines.sharedMemory | quote }} }
- name: probes
  configMap:
    name: {{ include "appliance.name" (list $root "probes") }}
{{- if (index . 1).adapters }}
- name: adapters
  persistentVolumeClaim:
    claimName: {{ $root.Values.engines.adapters.existingClaim | quote }}
    readOnly: true
{{- end }}
{{- end -}}

{{- /* Startup: the right answer to the known question. Then: that it lists its model, and that it runs at all. A hanging
engine is found by the gateway, which asks for a token. Takes root. */ -}}
{{- define "appliance.engine.probes" -}}
startupProbe:
  exec:
    command: [python3, -S, /etc/appliance/probes/engine_ready.py]
  periodSeconds: 10
  timeoutSeconds: 60
  failureThreshold: {{ mul (int .Values.engines.startMinutes) 6 }}
readinessProbe:
  httpGet: { path: /v1/models, port: main }
  periodSeconds: 10
  timeoutSeconds: 10
  failureThreshold: 3
livenessProbe:
  httpGet: { path: /health, port: main }
  periodSeconds: 20
  timeoutSeconds: 20
  failureThreshold: 6
{{- end -}}

{{- /* Wait before the signal, drain, and half a minute. */ -}}
{{- define "appliance.engine.grace" -}}
{{- add 10 (int .Values.engines.drainSeconds) 30 -}}
{{- end -}}

{{- /* Head of a pod's spec. Takes (list root model). */ -}}
{{- define "appliance.engine.podHead" -}}
{{- $root := index . 0 -}}
{{- $model := index . 1 -}}
{{ include "appliance.podHead" (list $root "engines" 872) }}
terminationGracePeriodSeconds: {{ include "appliance.engine.grace" $root }}
{{- if and $root.Values.engines.runtimeClassName (ne ($model.device | default "gpu") "cpu") }}
runtimeClassName: {{ $root.Values.engines.runtimeClassName | quote }}
{{- end }}
{{- include "appliance.placement" $model }}
{{- end -}}
