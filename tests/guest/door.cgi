#!/bin/busybox sh
# SPDX-License-Identifier: Apache-2.0
# Runs the posted script and answers with its exit status, output and errors. The test machine is
# reachable from its own host only. Busybox alone, and DOOR_SHELL (bash) for the script: starting a
# program that is linked dynamically takes an emulated machine a quarter of a second.
script=$(busybox head -c "$CONTENT_LENGTH")
out=/tmp/door.$$.out err=/tmp/door.$$.err
${DOOR_SHELL:-bash} -c "$script" >"$out" 2>"$err" </dev/null
status=$?
printf 'Content-Type: text/plain\r\nX-Exit-Status: %d\r\nX-Out-Bytes: %d\r\n\r\n' \
  "$status" "$(busybox stat -c %s "$out")"
busybox cat "$out" "$err"
exec busybox rm -f "$out" "$err"
