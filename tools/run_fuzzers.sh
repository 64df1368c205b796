#!/usr/bin/env bash
# Runs every fuzz program of a folder for some seconds each: run_fuzzers.sh PROGRAMS CORPUS FOUND SECONDS.
# Starts from CORPUS/<name>, keeps new inputs in FOUND/<name> and failing ones in FOUND/<name>-failed; ends with 1 at a failure.
set -euo pipefail
programs=$1 corpus=$2 found=$3 seconds=$4
status=0
for program in "$programs"/*_fuzz; do
  name=$(basename "$program")
  mkdir -p "$found/$name" "$found/$name-failed"
  seeds=()
  if [[ -d $corpus/$name ]]; then seeds=("$corpus/$name"); fi
  if "$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$found/$name-failed/" \
      "$found/$name" "${seeds[@]}" >"$found/$name.log" 2>&1; then
    echo "$name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$found/$name.log") inputs, no failure"
  else
    echo "$name: FAILED; see $found/$name.log and $found/$name-failed"
    tail -25 "$found/$name.log"
    status=1
  fi
done
exit $status
