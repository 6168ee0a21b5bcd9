{{- /* SPDX-License-Identifier: Apache-2.0 */ -}}
{{- /* What the values change of one object. All of these change it where it is, and say nothing. */ -}}

{{- define "pmem.is_wanted" -}}
{{- $values := .root.Values -}}
{{- if eq .object.kind "Namespace" -}}
{{- $values.kubeNamespace.create -}}
{{- else if eq .object.kind "StorageClass" -}}
{{- $values.storageClasses.create -}}
{{- else if and (eq .object.kind "DaemonSet") (eq .object.metadata.name "pmem-csi-driver") -}}
{{- eq $values.devices "real" -}}
{{- else -}}
true
{{- end -}}
{{- end -}}

{{- /* As base/kustomization.yaml does. */ -}}
{{- define "pmem.label" -}}
{{- $labels := dict "app.kubernetes.io/part-of" "pmem-scheduler" -}}
{{- $_ := set .metadata "labels" (merge $labels (default dict .metadata.labels)) -}}
{{- end -}}

{{- define "pmem.adapt" -}}
{{- $object := .object -}}
{{- $values := .root.Values -}}
{{- $name := $object.metadata.name -}}
{{- if and (eq $object.kind "Deployment") (eq $name "pmem-extender") -}}
{{- $_ := set $object.spec "replicas" $values.extender.replicas -}}
{{- include "pmem.place" (dict "pod" $object.spec.template.spec "values" $values.extender) -}}
{{- end -}}
{{- if and (eq $object.kind "Deployment") (eq $name "pmem-kube-scheduler") -}}
{{- include "pmem.place" (dict "pod" $object.spec.template.spec "values" $values.secondScheduler) -}}
{{- end -}}
{{- if and (eq $object.kind "ConfigMap") (eq $name "pmem-init") $values.init -}}
{{- $_ := set $object.data "init.json" (toJson $values.init) -}}
{{- end -}}
{{- if and (eq $object.kind "DaemonSet") (eq $name "pmem-capacity-agent") (eq $values.devices "simulated") -}}
{{- $patch := fromYaml (.root.Files.Get "components/fake-devices/agent.yaml") -}}
{{- include "pmem.simulate" (dict "pod" $object.spec.template.spec "patch" $patch.spec.template.spec) -}}
{{- end -}}
{{- if and (eq $object.kind "RoleBinding") (eq $name "pmem-scrape") -}}
{{- $prometheus := first $object.subjects -}}
{{- $_ := set $prometheus "name" $values.scrape.serviceAccount -}}
{{- $_ := set $prometheus "namespace" $values.scrape.kubeNamespace -}}
{{- end -}}
{{- if and (has $object.kind (list "PodMonitor" "PrometheusRule")) $values.monitoring.labels -}}
{{- $_ := set $object.metadata "labels" (merge dict $values.monitoring.labels (default dict $object.metadata.labels)) -}}
{{- end -}}
{{- if eq $object.kind "NetworkPolicy" -}}
{{- range $object.spec.ingress -}}
{{- include "pmem.admit" (dict "rule" . "values" $values.networkPolicy) -}}
{{- end -}}
{{- end -}}
{{- if has $object.kind (list "Deployment" "DaemonSet") -}}
{{- $pod := $object.spec.template.spec -}}
{{- if $values.imagePullSecrets -}}
{{- $_ := set $pod "imagePullSecrets" $values.imagePullSecrets -}}
{{- end -}}
{{- range concat (default list $pod.initContainers) $pod.containers -}}
{{- include "pmem.container" (dict "container" . "root" $.root) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* Beside what the base says. */ -}}
{{- define "pmem.place" -}}
{{- $_ := set .pod "nodeSelector" (merge dict .values.nodeSelector .pod.nodeSelector) -}}
{{- $_ := set .pod "tolerations" (concat .pod.tolerations .values.tolerations) -}}
{{- end -}}

{{- /* components/fake-devices/agent.yaml as kustomize applies it: what it names takes the place of the base's. */ -}}
{{- define "pmem.simulate" -}}
{{- $agent := first .pod.containers -}}
{{- $changes := first .patch.containers -}}
{{- $_ := set .pod "securityContext" .patch.securityContext -}}
{{- $_ := set .pod "volumes" (rest .patch.volumes) -}}
{{- $_ := set $agent "args" $changes.args -}}
{{- $_ := set $agent "securityContext" (omit $changes.securityContext "$patch") -}}
{{- $_ := set $agent "volumeMounts" (rest $changes.volumeMounts) -}}
{{- end -}}

{{- /* The addresses of the control plane, and kube namespace and labels of Prometheus, in place of the component's. */ -}}
{{- define "pmem.admit" -}}
{{- $values := .values -}}
{{- $from := list -}}
{{- range .rule.from -}}
{{- if .ipBlock -}}
{{- range $values.controlPlaneCidrs -}}
{{- $from = append $from (dict "ipBlock" (dict "cidr" .)) -}}
{{- end -}}
{{- else -}}
{{- if .namespaceSelector -}}
{{- $_ := set .namespaceSelector.matchLabels "kubernetes.io/metadata.name" $values.monitoringKubeNamespace -}}
{{- $_ := set .podSelector "matchLabels" $values.monitoringPodLabels -}}
{{- end -}}
{{- $from = append $from . -}}
{{- end -}}
{{- end -}}
{{- $_ := set .rule "from" $from -}}
{{- end -}}

{{- define "pmem.container" -}}
{{- $container := .container -}}
{{- $values := .root.Values -}}
{{- $change := default dict (get $values.containers $container.name) -}}
{{- $image := default $container.image $change.image -}}
{{- $_ := set $container "image" (ternary (printf "%s/%s" $values.registry (trimPrefix "localhost/" $image)) $image (ne $values.registry "")) -}}
{{- if $change.resources -}}
{{- $_ := set $container "resources" $change.resources -}}
{{- end -}}
{{- range $flag, $value := $change.flags -}}
{{- $others := list -}}
{{- range $container.args -}}
{{- if ne (first (splitList "=" .)) (printf "--%s" $flag) -}}
{{- $others = append $others . -}}
{{- end -}}
{{- end -}}
{{- $_ := set $container "args" (append $others (printf "--%s=%v" $flag $value)) -}}
{{- end -}}
{{- end -}}
