# SPDX-License-Identifier: Apache-2.0
"""The chart comes and goes; two nodes join; what ships is applied; everything is ready."""

import json

READY_SECONDS = 300
WORKLOADS = ('daemonset/pmem-csi-driver', 'daemonset/pmem-capacity-agent', 'deployment/pmem-extender')
# 24.3 of pmem-1's 28 GiB become a VolumeGroup: the page's claim of direct memory has no room in what is left.
INIT = json.dumps({'data': {'init.json': json.dumps(
    {'initialize_labels': True, 'nodes': {'pmem-1': {'initialize_labels': True, 'lvm_percent': 87}}})}})


def test_the_chart_comes_and_goes(cluster, page):
    cluster.start_nodes()  # They need longer than the chart does.
    page.chapter('With Helm', 'Into an empty cluster, and out of it again. There is no scheduler yet, and no node with a label.')
    page.shell('helm lint --quiet manifests/helm')
    version = json.loads(page.quiet('kubectl get --raw /version'))['gitVersion']
    page.shell(f'helm template pmem manifests/helm -n pmem-system --kube-version={version} '
               '--set kubeNamespace.create=true,init.initialize_labels=true >~/chart.yaml 2>/dev/null')
    created = page.shell('kubectl apply --validate=strict -f ~/chart.yaml').splitlines()
    assert len(created) > 15 and all(line.endswith(' created') for line in created), created
    page.until('kubectl -n pmem-system get pods', r'(?s)(pmem-extender\S+ +0/1 +Pending.*){2}')
    page.shell('kubectl delete --timeout=100s -f ~/chart.yaml 2>&1 | grep -v Warning')
    page.until('kubectl get storageclasses,csidrivers,clusterroles,clusterrolebindings,namespaces -o name | grep -c pmem', '^0$')


def test_two_nodes_join(cluster, page):
    cluster.wait_for_nodes()
    page.chapter('Two nodes with persistent memory')
    listed = page.shell('kubectl get nodes -o wide')
    assert listed.count(' Ready ') == 2


def test_what_ships_is_applied(cluster, page):
    page.chapter('Install', 'Everything that ships, as it ships. These NVDIMMs are new: their label areas are empty and '
                 'may be written. The memory of pmem-1 is for both kinds.')
    page.shell('kubectl apply -k manifests/overlays/release')
    page.shell(f"kubectl -n pmem-system patch configmap pmem-init --type merge -p '{INIT}'")
    page.say("kube-scheduler's configuration is the shipped one, with the Service's address in it.")
    address = page.shell("kubectl -n pmem-system get service pmem-extender -o jsonpath='{.spec.clusterIP}'")
    cluster.plane.start_shipped_scheduler(address)


def test_the_nodes_are_labelled(page):
    page.say('Either label key will do.')
    page.shell('kubectl label node pmem-1 pmem.csi.alibabacloud.com/type=lvm')
    page.shell('kubectl label node pmem-2 pmem.csi.alibabacloud.com=direct')


def test_everything_is_ready(page):
    for workload in WORKLOADS:
        page.shell(f'kubectl -n pmem-system rollout status {workload} --timeout={READY_SECONDS}s', seconds=READY_SECONDS + 20)
    page.shell('kubectl -n pmem-system get pods -o wide')
    page.shell('kubectl get csinodes')
    page.until('kubectl -n pmem-system get csistoragecapacities -o custom-columns='
               'NODE:.nodeTopology.matchLabels,CLASS:.storageClassName,CAPACITY:.capacity,LARGEST:.maximumVolumeSize',
               'pmem-2.*pmem-direct +[1-9]')
    page.on_node('pmem-1', 'vgs; ndctl list -R')
    page.on_node('pmem-2', 'ndctl list -R')


def test_the_chart_is_the_same(page):
    page.chapter('The chart is the same', 'It makes the same objects: the API server, which validates strictly, finds nothing to change.')
    applied = page.shell('kubectl apply --validate=strict -f ~/chart.yaml').splitlines()
    # The ConfigMap was patched above; kubectl replaces a budget's selector whether it differs or not.
    changed = {line for line in applied if not line.endswith(' unchanged')}
    meant = {'configmap/pmem-init configured', 'poddisruptionbudget.policy/pmem-extender configured'}
    assert len(applied) > 15 and changed <= meant, changed


def test_the_workloads_become_the_charts(page):
    page.say('The workloads are deleted, their pods are not, and the chart makes them anew. They take over the pods, and what comes '
             'in the place of these from now on is made by the chart alone.')
    listed = 'kubectl -n pmem-system get pods -o custom-columns=NAME:.metadata.name,UID:.metadata.uid --no-headers'
    pods = page.quiet(listed)
    page.shell('kubectl -n pmem-system delete deployments,replicasets,daemonsets --all --cascade=orphan --timeout=100s')
    page.until('kubectl -n pmem-system get pods -o custom-columns=NAME:.metadata.name,OWNER:.metadata.ownerReferences[*].name',
               r'^NAME +OWNER\n(\S+ +<none>\n)+$')
    applied = page.shell('kubectl apply --validate=strict -f ~/chart.yaml | grep created')
    assert set(applied.split()) - {'created'} == {
        'daemonset.apps/pmem-capacity-agent', 'daemonset.apps/pmem-csi-driver', 'deployment.apps/pmem-extender'}
    page.until('kubectl -n pmem-system get pods -o custom-columns=NAME:.metadata.name,OWNER:.metadata.ownerReferences[*].name',
               r'^NAME +OWNER\n(\S+ +pmem-\S+\n)+$')
    for workload in WORKLOADS:
        page.shell(f'kubectl -n pmem-system rollout status {workload} --timeout={READY_SECONDS}s', seconds=READY_SECONDS + 20)
    assert page.quiet(listed) == pods
