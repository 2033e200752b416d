#!/bin/sh
# Double-click this (macOS; on Linux tinct.desktop): it sets Tinct up the first time, then opens its page.
cd "$(dirname "$0")/.." || exit 1
# Programs that are started by a click don't know where Homebrew and python.org put theirs.
PATH="$PATH:/opt/homebrew/bin:/usr/local/bin:/Library/Frameworks/Python.framework/Versions/Current/bin"
export PATH
for python in python3 python3.14 python3.13 python3.12 python3.11; do
    if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
        "$python" scripts/dev.py start "$@" && exit
        code=$?
        break
    fi
done
if [ -z "$code" ]; then
    echo "Tinct needs Python 3.11 or newer. Get it from https://www.python.org/downloads/ and start this again."
    code=1
fi
# Otherwise the window would be gone before anybody could read why.
if [ -t 0 ]; then
    printf "Press Enter to close this window. "
    read -r _
fi
exit "$code"
