#!/bin/sh
# Run make goals one after the other, each of them also if another one failed; say at the end which failed. The goals of one
# argument run at once, two at a time, and the output of each comes in one piece.
#
#     sh tools/run_goals.sh GOAL... "GOAL GOAL"...
set -u
failed=""
summary=""
for goals in "$@"; do
    echo "=== make $goals"
    case $goals in *" "*) at_once="-k -j2 --output-sync=target" ;; *) at_once="" ;; esac
    started=$(date +%s)
    # shellcheck disable=SC2086  # several words are meant
    if "${MAKE:-make}" $at_once $goals; then outcome=passed; else outcome=FAILED failed="$failed, $goals"; fi
    summary="$summary$(printf '%-20s %s (%d s)' "$goals" "$outcome" $(($(date +%s) - started)))
"
done
printf '\n%s' "$summary"
if [ -n "$failed" ]; then
    echo "FAILED: ${failed#, }"
    exit 1
fi
echo "All passed: $*"
