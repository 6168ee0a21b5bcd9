// SPDX-License-Identifier: Apache-2.0

//go:build tools

// Package tools names the programs that tools/dev/control_plane.py builds from this module. They
// cannot live in the module of kube-apiserver: theirs is a later version of the CSI specification.
package tools

import (
	_ "github.com/kubernetes-csi/csi-test/v5/cmd/csi-sanity"
	_ "github.com/kubernetes-csi/external-provisioner/v6/cmd/csi-provisioner"
	_ "github.com/kubernetes-csi/external-resizer/v2/cmd/csi-resizer"
)
