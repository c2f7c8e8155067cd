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

# Puts folder $2, or the waiting file number $1 as $2, in its place; what was there waits instead.
minis2i_put_folder() {
    [ -d "$2" ] && return
    minis2i_try mkdir "$2" && : >"$minis2i_waiting/$1.made"
}
minis2i_put_file() {
    if [ -e "$2" ] || [ -L "$2" ]; then minis2i_try mv "$2" "$minis2i_waiting/$1.old" || return 1; fi
    minis2i_try mv "$minis2i_waiting/$1" "$2"
}

# Undoes that. A folder in which assemble left something stays.
minis2i_take_file() {
    minis2i_try rm -rf "$2" || return 1
    if [ -e "$minis2i_waiting/$1.old" ] || [ -L "$minis2i_waiting/$1.old" ]; then
        mv "$minis2i_waiting/$1.old" "$2" 2>/dev/null && return
        # On fuse-overlayfs a file of the image that was moved away is taken for the one in its old place; a copy is not.
        minis2i_try cp -a "$minis2i_waiting/$1.old" "$minis2i_waiting/$1.copy" &&
            minis2i_try mv "$minis2i_waiting/$1.copy" "$2"
    fi
}
minis2i_take_folder() {
    [ ! -e "$minis2i_waiting/$1.made" ] || rmdir "$2" 2>/dev/null || :
}
minis2i_try() { minis2i_words=$("$@" 2>&1) || { minis2i_say misplaced "$minis2i_words"; return 1; }; }

# What the upload's last file calls; it brings `minis2i_clear` along. $1: assemble; $2: "remove" or "keep" what is
# left of the source.
minis2i_go() {
    minis2i_look "$1"
    [ "$minis2i_state" = ok ] || { minis2i_say cannot "$minis2i_state"; exit 1; }
    minis2i_before || exit 1
    minis2i_say assembling
    (minis2i_env; exec "$1") </dev/null 2>&1
    minis2i_status=$?
    minis2i_say exit $minis2i_status
    [ $minis2i_status = 0 ] || exit $minis2i_status
    minis2i_after || exit 1
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
# Over folders of the builder that are somebody else's, only the engine may unpack. What is mounted is not the builder's.
for minis2i_name in src artifacts scripts; do
    minis2i_name=$minis2i_dest/$minis2i_name
    [ -e "$minis2i_name" ] && [ ! -O "$minis2i_name" ] || continue
    case $(cat /proc/mounts 2>/dev/null) in *" $minis2i_name "*) ;; *) minis2i_tar=none ;; esac
done
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

# The shell's own text comes before the upload, and ends with the token. It defines minis2i_env, _before and _after.
minis2i_waiting=$minis2i_dest/.minis2i-injected
minis2i_text=
while IFS= read -r minis2i_line && [ "$minis2i_line" != "$minis2i_token" ]; do
    minis2i_text="$minis2i_text$minis2i_line
"
done
[ "$minis2i_line" = "$minis2i_token" ] || { minis2i_say untar cut-short; exit 1; }
eval "$minis2i_text"
unset minis2i_text minis2i_line

if [ $minis2i_tar = none ]; then
    # The engine unpacks the upload; what comes here is the text of its last file, whole or not at all.
    minis2i_text=
    while IFS= read -r minis2i_line; do
        minis2i_text="$minis2i_text$minis2i_line
"
    done
    case $minis2i_text in *'
}
') ;; *) minis2i_say untar cut-short; exit 1 ;; esac
    eval "$minis2i_text"
    minis2i_finish
    exit
fi

tar -C "$minis2i_dest" -xpof - || { minis2i_say untar $?; exit 1; }
# An upload that was cut short has no such file, or one without its end: that is no consent.
minis2i_last=$minis2i_dest/.minis2i-$minis2i_token
[ -f "$minis2i_last" ] || { minis2i_say untar cut-short; exit 1; }
. "$minis2i_last"
rm -f "$minis2i_last"
minis2i_finish
