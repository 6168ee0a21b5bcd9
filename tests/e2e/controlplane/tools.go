// SPDX-License-Identifier: Apache-2.0

//go:build tools

// Package tools pins the real servers that the end-to-end tests run against. The CSI sidecars and
// suites are no part of this module: they ask for a later CSI specification, against which
// kube-controller-manager does not compile.
package tools

import (
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
	_ "k8s.io/kubernetes/cmd/kube-controller-manager"
	_ "k8s.io/kubernetes/cmd/kube-scheduler"
	_ "k8s.io/kubernetes/cmd/kubectl"
)
