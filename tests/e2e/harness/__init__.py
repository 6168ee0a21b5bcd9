# SPDX-License-Identifier: Apache-2.0
"""A real control plane on loopback with our programs in it, for end-to-end tests and the demo.

Real: etcd, kube-apiserver, kube-scheduler, kube-controller-manager, both our programs under the RBAC
that ships. Stood in for (stand_ins.py): the CSI driver with its provisioner, and kubelets.
Debian's Python 3 with its standard library and yaml; nothing else.
"""
