#!/usr/bin/env bash
# Boots an emulated machine with NVDIMMs and compares the agent with ndctl and LVM there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
./dev build release capacity-agent/pmem-capacity-agent csi-driver/pmem-csi-driver tests/csi/csi-call tests/guest/libkill-at.so
exec tests/guest/run "$@"
