// SPDX-License-Identifier: Apache-2.0

//go:build tools

// Package tools names the program that tools/dev/control_plane.py builds from this module: helm, of the
// release that goes with the control plane's.
package tools

import _ "helm.sh/helm/v3/cmd/helm"
