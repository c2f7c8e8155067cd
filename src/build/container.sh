# Runs in the build container: takes the upload from standard input, runs assemble, waits to be committed.
# Arguments: a token that marks our own lines, the destination, and folders that may hold scripts.
minis2i_token=$1 minis2i_dest=$2
shift 2

minis2i_say() { printf '\036%s %s\n' "$minis2i_token" "$*"; }

# Sets minis2i_state to what is known of the program $1.
minis2i_look() {
    minis2i_state=ok
    [ -e "$1" ] || { minis2i_state=missing; return; }
    [ -x "$1" ] || { minis2i_state=not-executable; return; }
    minis2i_line=
    { IFS= read -r minis2i_line <"$1"; } 2>/dev/null
    case $minis2i_line in '#!'*) ;; *) return ;; esac
    minis2i_line=${minis2i_line#??}
    minis2i_line=${minis2i_line#"${minis2i_line%%[! ]*}"}
    minis2i_line=${minis2i_line%%[ 	]*}
    [ -x "$minis2i_line" ] || minis2i_state=no-interpreter:$minis2i_line
}

# What the upload's last file calls; it brings `minis2i_clear` along. $1: assemble; $2: "remove" or "keep" what is left of the source.
minis2i_go() {
    minis2i_look "$1"
    [ "$minis2i_state" = ok ] || { minis2i_say cannot "$minis2i_state"; exit 1; }
    minis2i_say assembling
    "$1" </dev/null 2>&1
    minis2i_status=$?
    minis2i_say exit $minis2i_status
    [ $minis2i_status = 0 ] || exit $minis2i_status
    if [ "$2" = remove ]; then
        minis2i_clear
        rm -rf "$minis2i_dest/src" 2>/dev/null ||
            { chmod -R u+rwX "$minis2i_dest/src"; rm -rf "$minis2i_dest/src"; }
    fi
    if [ -f /tmp/.s2i/image_metadata.json ]; then
        minis2i_say metadata
        cat /tmp/.s2i/image_metadata.json
    fi
    # What assemble left running could write during the commit.
    minis2i_rest=alone
    for minis2i_process in /proc/[0-9]*; do
        case ${minis2i_process#/proc/} in 1 | $$) ;; *) minis2i_rest=busy ;; esac
    done
    minis2i_say ready $minis2i_rest
    # The container is committed as it stands; starting nothing new is faster than waiting for its end.
    exec sleep 600 </dev/null >/dev/null 2>&1
}

minis2i_tar=none
if command -v tar >/dev/null 2>&1; then
    case $(tar --version 2>&1) in *GNU*|*bsdtar*) minis2i_tar=sparse ;; *) minis2i_tar=plain ;; esac
fi
minis2i_words=
for minis2i_name in src artifacts; do
    if [ -e "$minis2i_dest/$minis2i_name" ]; then minis2i_words="$minis2i_words yes"; else minis2i_words="$minis2i_words no"; fi
done
if [ ! -d "$minis2i_dest" ]; then minis2i_words="$minis2i_words missing"
elif [ ! -w "$minis2i_dest" ]; then minis2i_words="$minis2i_words read-only"
else minis2i_words="$minis2i_words ok"; fi
minis2i_words="$minis2i_words $minis2i_tar"
for minis2i_folder; do
    for minis2i_name in assemble run save-artifacts; do
        minis2i_look "$minis2i_folder/$minis2i_name"
        minis2i_words="$minis2i_words $minis2i_state"
    done
done
minis2i_say hello$minis2i_words
[ $minis2i_tar != none ] || exit 1

tar -C "$minis2i_dest" -xpof - || { minis2i_say untar $?; exit 1; }
# An upload that was cut short has no such file, or one without its end: that is no consent.
minis2i_last=$minis2i_dest/.minis2i-$minis2i_token
[ -f "$minis2i_last" ] || { minis2i_say untar cut-short; exit 1; }
. "$minis2i_last"
rm -f "$minis2i_last"
minis2i_finish
