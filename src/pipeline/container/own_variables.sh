# Puts away the environment variables that would change what our own commands do, or which programs they find, until
# minis2i_restore gives them back for a script. minis2i_search, which may be empty, has the folders for programs of the
# builder. Those of the user come last: they may be the only ones that lead to the programs of a builder without a PATH.
IFS=' 	
'
# A bash that is called sh takes options from the variable SHELLOPTS.
minis2i_options=
for minis2i_name in C a e f u v x; do
    case $- in *$minis2i_name*) minis2i_options=$minis2i_options$minis2i_name ;; esac
done
set +Caefuvx
minis2i_kept=
for minis2i_name in PATH ENV BASH_ENV LD_AUDIT LD_LIBRARY_PATH LD_PRELOAD TAPE TAR_OPTIONS TAR_READER_OPTIONS TAR_WRITER_OPTIONS; do
    eval "minis2i_is_set=\${$minis2i_name+yes} minis2i_kept_$minis2i_name=\${$minis2i_name-}"
    [ "$minis2i_is_set" ] || continue
    minis2i_kept="$minis2i_kept $minis2i_name"
    unset "$minis2i_name"
done
PATH=${minis2i_search:+$minis2i_search:}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
PATH=$PATH${minis2i_kept_PATH:+:$minis2i_kept_PATH}
export PATH
minis2i_restore() {
    for minis2i_name in $minis2i_kept; do eval "export $minis2i_name=\"\$minis2i_kept_$minis2i_name\""; done
}
# Sets the options of the shell again. It comes after all else, since with -x the shell prints its commands.
minis2i_restore_options() { [ -z "$minis2i_options" ] || set "-$minis2i_options"; }
