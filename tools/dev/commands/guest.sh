#!/usr/bin/env bash
# Boots an emulated machine with NVDIMMs and compares the agent with ndctl and LVM there.
set -euo pipefail
if [[ "${1:-}" == --help || "${1:-}" == -h ]]; then
  echo "usage: ./dev guest [PYTEST ARGUMENT...]    for example -k reboot, or -s to see what the machine says"
  exit 0
fi
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
./dev build release capacity-agent/pmem-capacity-agent csi-driver/pmem-csi-driver tests/csi/csi-call tests/guest/libkill-at.so tests/guest/unix-relay
exec tests/guest/run "$@"
