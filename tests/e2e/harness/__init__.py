# SPDX-License-Identifier: Apache-2.0
"""A real control plane on loopback with our programs in it, for end-to-end tests and the demo.

Real: etcd, kube-apiserver, kube-scheduler, kube-controller-manager, our programs under the RBAC that
ships, external-provisioner (csi_nodes.py). Stood in for (stand_ins.py): kubelets; and, where a test wants
many nodes or faults, driver and provisioner.
Debian's Python 3 with its standard library and yaml; nothing else.
"""
