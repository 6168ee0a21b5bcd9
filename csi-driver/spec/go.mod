// Where the protocols that the driver speaks are taken from, at build time (fetch_protocols.py).
module pmem-scheduler/csi-driver/spec

go 1.26.0

require (
	github.com/container-storage-interface/spec v1.13.0
	k8s.io/kubelet v0.36.3
)
