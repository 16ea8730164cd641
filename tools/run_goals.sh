#!/bin/sh
# Run make goals one after the other, each of them also if another one failed; say at the end which failed.
#
#     sh tools/run_goals.sh GOAL...
set -u
failed=""
summary=""
for goal in "$@"; do
    echo "=== make $goal"
    started=$(date +%s)
    if "${MAKE:-make}" "$goal"; then outcome=passed; else outcome=FAILED failed="$failed $goal"; fi
    summary="$summary$(printf '%-16s %s (%d s)' "$goal" "$outcome" $(($(date +%s) - started)))
"
done
printf '\n%s' "$summary"
if [ -n "$failed" ]; then
    echo "FAILED:$failed"
    exit 1
fi
echo "All passed: $*"
