# Runs in the build container: receives the upload on standard input, runs assemble, then waits to be committed.
# Arguments: the token for marks, the destination, the builder's PATH, and the folders that may hold scripts.
# The text of own_variables.sh comes first.
# All names start with minis2i_ so that they do not clash with environment variables of the builder. Comments that take a
# whole line are removed before the program is sent.
minis2i_token=$1 minis2i_dest=$2
shift 3

# Prints a mark: a line that minis2i tells from the output of assemble by the token.
minis2i_say() { printf '\036%s %s\n' "$minis2i_token" "$*"; }

# Sets minis2i_state to the state of the script $1: missing, not-executable, no-interpreter:PROGRAM or ok.
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

# Creates the folder $2, entry number $1 of the injected files, unless it exists, and records that it did.
minis2i_put_folder() {
    [ -d "$2" ] && return
    minis2i_try mkdir "$2" && : >"$minis2i_waiting/$1.made"
}
# Moves the injected file number $1 to $2. A file that was there is kept in the folder of the injected files.
minis2i_put_file() {
    if [ -e "$2" ] || [ -L "$2" ]; then minis2i_try mv "$2" "$minis2i_waiting/$1.old" || return 1; fi
    minis2i_try mv "$minis2i_waiting/$1" "$2"
}

# Removes the injected file $2, number $1, and restores the file that was there before.
minis2i_take_file() {
    minis2i_try rm -rf "$2" || return 1
    if [ -e "$minis2i_waiting/$1.old" ] || [ -L "$minis2i_waiting/$1.old" ]; then
        mv "$minis2i_waiting/$1.old" "$2" 2>/dev/null && return
        # On fuse-overlayfs that mv can fail: a file of the image that was moved away is taken for the file at its old
        # path. A copy is not.
        minis2i_try cp -a "$minis2i_waiting/$1.old" "$minis2i_waiting/$1.copy" &&
            minis2i_try mv "$minis2i_waiting/$1.copy" "$2"
    fi
}
# Removes the folder $2, number $1, if it was created here and assemble left nothing in it.
minis2i_take_folder() {
    [ ! -e "$minis2i_waiting/$1.made" ] || rmdir "$2" 2>/dev/null || :
}
# Runs a command; if it fails, reports its output as a mark and fails as well.
minis2i_try() { minis2i_words=$("$@" 2>&1) || { minis2i_say misplaced "$minis2i_words"; return 1; }; }

# Containers with caches have other ones.
minis2i_cache_open() { :; }
minis2i_cache_give() { :; }
minis2i_cache_close() { :; }

# Runs assemble and what belongs before and after it. The last file of the upload calls this function and defines
# minis2i_clear. $1: the path of assemble; $2: "remove" or "keep" the source that assemble leaves.
minis2i_go() {
    minis2i_look "$1"
    [ "$minis2i_state" = ok ] || { minis2i_say cannot "$minis2i_state"; exit 1; }
    minis2i_before || exit 1
    minis2i_cache_open
    minis2i_say assembling
    (minis2i_restore; minis2i_cache_give; minis2i_env; minis2i_restore_options; exec "$1") </dev/null 2>&1
    minis2i_status=$?
    minis2i_cache_close $minis2i_status
    minis2i_say exit $minis2i_status
    [ $minis2i_status = 0 ] || exit $minis2i_status
    minis2i_after || exit 1
    minis2i_source=gone
    if [ -d "$minis2i_dest/src" ] && [ ! -L "$minis2i_dest/src" ]; then minis2i_source=in-place; fi
    if [ "$2" = remove ]; then
        minis2i_clear
        rm -rf "$minis2i_dest/src" 2>/dev/null ||
            { chmod -R u+rwX "$minis2i_dest/src"; rm -rf "$minis2i_dest/src"; }
    fi
    if [ -f /tmp/.s2i/image_metadata.json ]; then
        minis2i_say metadata
        cat /tmp/.s2i/image_metadata.json
    fi
    # A process that assemble left running could write during the commit, which then needs to pause the container.
    minis2i_rest=alone
    for minis2i_process in /proc/[0-9]*; do
        case ${minis2i_process#/proc/} in 1 | $$) ;; *) minis2i_rest=busy ;; esac
    done
    minis2i_say ready $minis2i_rest $minis2i_source
    # The container is committed while it runs: waiting for its end first takes 0.20 s in all instead of 0.12 s.
    exec sleep 600 </dev/null >/dev/null 2>&1
}

minis2i_tar=none
if command -v tar >/dev/null 2>&1; then
    case $(tar --version 2>&1) in *GNU*|*bsdtar*) minis2i_tar=sparse ;; *) minis2i_tar=plain ;; esac
fi
# If the builder has one of these folders and it belongs to another user, only the engine can unpack into it. A mounted
# folder (`--mount`, or a source in memory) is not the builder's and does not count.
for minis2i_name in src artifacts scripts; do
    minis2i_name=$minis2i_dest/$minis2i_name
    [ -e "$minis2i_name" ] && [ ! -O "$minis2i_name" ] || continue
    case $(cat /proc/mounts 2>/dev/null) in *" $minis2i_name "*) ;; *) minis2i_tar=none ;; esac
done
# The greeting: whether src and artifacts exist, the destination, the tar, the tools with caches, and the states of the scripts.
minis2i_words=
for minis2i_name in src artifacts; do
    if [ -e "$minis2i_dest/$minis2i_name" ]; then minis2i_words="$minis2i_words yes"; else minis2i_words="$minis2i_words no"; fi
done
if [ ! -d "$minis2i_dest" ]; then minis2i_words="$minis2i_words missing"
elif [ ! -w "$minis2i_dest" ]; then minis2i_words="$minis2i_words read-only"
else minis2i_words="$minis2i_words ok"; fi
minis2i_words="$minis2i_words $minis2i_tar ,"
for minis2i_name in $minis2i_known; do
    if command -v "${minis2i_name#*=}" >/dev/null 2>&1; then minis2i_words="$minis2i_words,${minis2i_name%%=*}"; fi
done
for minis2i_folder; do
    for minis2i_name in assemble run save-artifacts; do
        minis2i_look "$minis2i_folder/$minis2i_name"
        minis2i_words="$minis2i_words $minis2i_state"
    done
done
minis2i_say hello$minis2i_words

# Shell text comes before the upload and ends with a line with the token. It defines minis2i_env, minis2i_before and
# minis2i_after. It comes in parts: adding a line to a text takes the longer, the longer the text is.
minis2i_waiting=$minis2i_dest/.minis2i-injected
minis2i_text=
while IFS= read -r minis2i_line && [ "$minis2i_line" != "$minis2i_token" ]; do
    if [ "$minis2i_line" = "$minis2i_token part" ]; then
        eval "$minis2i_text"
        minis2i_text=
    else
        minis2i_text="$minis2i_text$minis2i_line
"
    fi
done
[ "$minis2i_line" = "$minis2i_token" ] || { minis2i_say untar cut-short; exit 1; }
eval "$minis2i_text"
unset minis2i_text minis2i_line

if [ $minis2i_tar = none ]; then
    # The engine unpacks the upload. Only the text of its last file arrives here; it is run only if it is complete.
    minis2i_text=$(cat)
    case $minis2i_text in *'
}') ;; *) minis2i_say untar cut-short; exit 1 ;; esac
    eval "$minis2i_text"
    minis2i_finish
    exit
fi

tar -C "$minis2i_dest" -xpof - || { minis2i_say untar $?; exit 1; }
# If the upload was cut short, this file is missing, or incomplete so that it defines nothing; assemble must not run then.
minis2i_last=$minis2i_dest/.minis2i-$minis2i_token
[ -f "$minis2i_last" ] || { minis2i_say untar cut-short; exit 1; }
. "$minis2i_last"
rm -f "$minis2i_last"
minis2i_finish
