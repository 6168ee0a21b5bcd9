// SPDX-License-Identifier: Apache-2.0

// The etcd server of the end-to-end tests: its own module, for its dependencies are not Kubernetes'.
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() { etcdmain.Main(os.Args) }
