#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs the posted script and answers with its exit status, output and errors. The test machine is
# reachable from its own host only.
script=$(head -c "$CONTENT_LENGTH")
out=$(mktemp) err=$(mktemp)
bash -c "$script" >"$out" 2>"$err" </dev/null
status=$?
printf 'Content-Type: text/plain\r\nX-Exit-Status: %d\r\nX-Out-Bytes: %d\r\n\r\n' \
  "$status" "$(stat -c %s "$out")"
cat "$out" "$err"
rm -f "$out" "$err"
