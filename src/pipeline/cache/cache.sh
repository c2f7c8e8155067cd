# Sent to a container that has caches, after the secrets. minis2i_cache_tools, which the caller defines, names the tools and
# folders; minis2i_cache_mode is "use" or "avoid", or "empty" to avoid them and remove what is in them if assemble succeeds.
minis2i_cache_state=empty minis2i_cache_used= minis2i_cache_pairs= minis2i_cache_unset= minis2i_cache_links=0
minis2i_cache_made=0 minis2i_cache_locks= minis2i_cache_fd=9

# Makes the folder $2 for $1, and records what is in it; $3 is a name in it that counts, or empty for all.
minis2i_cache_folder() {
    mkdir -p "$2" 2>/dev/null && [ -w "$2" ] || return 1
    minis2i_cache_used="$minis2i_cache_used $1"
    for minis2i_name in "$2/$3"* "$2/$3".[!.]*; do
        [ ! -e "$minis2i_name" ] || minis2i_cache_state=filled
    done
}
# Sets minis2i_lane to a folder of the volume $1 that no other build uses, until the end of assemble.
minis2i_cache_lane() {
    eval "minis2i_lane=\${minis2i_lane_$2-}"
    [ -z "$minis2i_lane" ] || return 0
    minis2i_why=closed
    [ -w "$1" ] || return 1
    minis2i_why=lock
    command -v flock >/dev/null 2>&1 || return 1
    for minis2i_name in 0 1 2 3 4 5 6 7; do
        (true >>"$1/lock.$minis2i_name") 2>/dev/null || return 1
        eval "exec $minis2i_cache_fd>>\"\$1/lock.\$minis2i_name\""
        if flock -n "$minis2i_cache_fd" 2>/dev/null; then
            minis2i_lane=$1/$minis2i_name
            eval "minis2i_lane_$2=\$minis2i_lane"
            minis2i_cache_locks="$minis2i_cache_locks $minis2i_cache_fd"
            minis2i_cache_fd=$((minis2i_cache_fd - 1))
            return
        fi
        eval "exec $minis2i_cache_fd>&-"
    done
    return 1
}
# Succeeds if none of the variables is set.
minis2i_cache_free() {
    for minis2i_name; do
        eval "minis2i_is_set=\${$minis2i_name+yes}"
        [ -z "$minis2i_is_set" ] || return 1
    done
}
# Sets minis2i_home to the home that Java's programs have.
minis2i_cache_java_home() {
    minis2i_home=${HOME-} minis2i_user=$(id -u 2>/dev/null)
    [ -r /etc/passwd ] || return 0
    while IFS=: read -r minis2i_name minis2i_name minis2i_id minis2i_name minis2i_name minis2i_folder minis2i_name ||
        [ -n "$minis2i_id" ]; do
        [ "$minis2i_id" = "$minis2i_user" ] || continue
        case $minis2i_folder in ??*) minis2i_home=$minis2i_folder ;; esac
        return
    done </etc/passwd
}
# Removes the files of the folder $1 whose names are like $2.
minis2i_cache_forget() {
    find "$1" -type f -name "$2" -exec rm -f {} + 2>/dev/null || :
}
# Makes the folder $1 with those above it, and records which were made.
minis2i_cache_parents() {
    [ -d "$1" ] && return
    [ -n "$1" ] && minis2i_cache_parents "${1%/*}" && mkdir "$1" 2>/dev/null || return 1
    minis2i_cache_made=$((minis2i_cache_made + 1))
    eval "minis2i_cache_made_$minis2i_cache_made=\$1"
}
# Puts a link to the folder $3 at $2, for $1. What the image has there stays in force: minis2i_why is "content" then. An
# empty folder is put aside for the time.
minis2i_cache_link() {
    minis2i_why=content minis2i_aside=
    if [ -L "$2" ]; then return 1; fi
    if [ -e "$2" ]; then
        [ -d "$2" ] || return 1
        for minis2i_name in "$2"/* "$2"/.[!.]*; do
            [ ! -e "$minis2i_name" ] && [ ! -L "$minis2i_name" ] || return 1
        done
        minis2i_aside=$2.minis2i-aside
    fi
    minis2i_why=denied
    minis2i_cache_parents "${2%/*}" || return 1
    [ -w "${2%/*}/" ] && minis2i_cache_folder "$1" "$3" '' || return 1
    [ -z "$minis2i_aside" ] || mv "$2" "$minis2i_aside" 2>/dev/null || return 1
    ln -s "$3" "$2" 2>/dev/null || { [ -z "$minis2i_aside" ] || mv "$minis2i_aside" "$2"; return 1; }
    minis2i_cache_links=$((minis2i_cache_links + 1))
    eval "minis2i_cache_link_$minis2i_cache_links=\$2 minis2i_cache_kept_$minis2i_cache_links=\$minis2i_aside"
}
# Before assemble: makes folders and links.
minis2i_cache_open() {
    [ "$minis2i_cache_mode" = use ] || return 0
    minis2i_cache_tools
    [ -z "$minis2i_cache_used" ] || minis2i_say cache $minis2i_cache_state $minis2i_cache_used
}
# In the process that becomes assemble: sets the variables.
minis2i_cache_give() {
    for minis2i_name in $minis2i_cache_locks; do eval "exec $minis2i_name>&-"; done
    for minis2i_name in $minis2i_cache_pairs; do export "$minis2i_name"; done
    for minis2i_name in $minis2i_cache_unset; do unset "$minis2i_name"; done
}
# After assemble, whose exit status is $1: removes links and folders that were made, and gives up the locks.
minis2i_cache_close() {
    while [ $minis2i_cache_links -gt 0 ]; do
        eval "minis2i_name=\$minis2i_cache_link_$minis2i_cache_links minis2i_aside=\$minis2i_cache_kept_$minis2i_cache_links"
        [ ! -L "$minis2i_name" ] || rm -f "$minis2i_name"
        [ -z "$minis2i_aside" ] || [ -e "$minis2i_name" ] || mv "$minis2i_aside" "$minis2i_name"
        [ -z "$minis2i_aside" ] || [ ! -d "$minis2i_aside" ] || rmdir "$minis2i_aside"
        minis2i_cache_links=$((minis2i_cache_links - 1))
    done
    while [ $minis2i_cache_made -gt 0 ]; do
        eval "rmdir \"\$minis2i_cache_made_$minis2i_cache_made\" 2>/dev/null"
        minis2i_cache_made=$((minis2i_cache_made - 1))
    done
    for minis2i_name in $minis2i_cache_locks; do eval "exec $minis2i_name>&-"; done
    [ "$minis2i_cache_mode $1" = 'empty 0' ] || return 0
    for minis2i_folder in $minis2i_cache_volumes; do
        for minis2i_name in "$minis2i_folder"/* "$minis2i_folder"/.[!.]*; do
            case ${minis2i_name##*/} in lock.[0-9] | .minis2i-used) continue ;; esac
            # Go makes its folders read-only.
            rm -rf "$minis2i_name" 2>/dev/null || { chmod -R u+w "$minis2i_name"; rm -rf "$minis2i_name"; } 2>/dev/null
        done
    done
}
