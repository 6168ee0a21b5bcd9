// SPDX-License-Identifier: Apache-2.0

//go:build tools

// Package tools pins the Prometheus that finds its targets by Kubernetes. go.mod and go.sum are not tidied: that would add
// the SDKs of all clouds, which the tags of tools/dev/control_plane.py leave out. After a change of the version:
// go list -mod=mod -tags TAGS -deps github.com/prometheus/prometheus/cmd/prometheus
package tools

import _ "github.com/prometheus/prometheus/cmd/prometheus"
