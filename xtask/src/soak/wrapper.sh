#!/bin/sh
# Stands for the engine's CLI. Files beside it say which calls go wrong: `outage` all of them, `fault.VERB` the next one of
# that verb. Each one that does adds a line to `taken`.
here=${0%/*}
case $1 in
image | container) verb=$1-$2 ;;
*) verb=$1 ;;
esac
if [ -e "$here/outage" ]; then
    echo "outage $verb" >>"$here/taken"
    echo "Cannot connect to the Docker daemon at unix:///nowhere. Is the docker daemon running?" >&2
    exit 1
fi
# Only one of several calls can rename the file.
if [ -e "$here/fault.$verb" ] && mv "$here/fault.$verb" "$here/mine.$$" 2>/dev/null; then
    read -r mode value <"$here/mine.$$"
    rm -f "$here/mine.$$"
    echo "$mode $value $verb" >>"$here/taken"
    case $mode in
    fail)
        echo "Error response from daemon: the soak makes \`$verb\` fail" >&2
        exit "$value"
        ;;
    hang)
        # A reader of our streams must see their end when this shell is killed.
        sleep "$value" </dev/null >/dev/null 2>&1 &
        wait "$!"
        echo "error during connect: the soak made \`$verb\` hang" >&2
        exit 1
        ;;
    kill)
        # The shell's number is the CLI's after `exec`.
        (sleep "$value" && kill -9 "$$") </dev/null >/dev/null 2>&1 &
        ;;
    esac
fi
exec docker "$@"
