// SPDX-License-Identifier: Apache-2.0

//go:build tools

// Package tools pins what runs on the walkthrough's nodes beside Debian's containerd. It is no part of the control
// plane's module, so that neither is built anew for the other's sake.
package tools

import (
	_ "k8s.io/kubernetes/cmd/kube-proxy"
	_ "k8s.io/kubernetes/cmd/kubelet"
)
