//! The environment of our own commands in a container, which does not depend on variables of the user.

use super::shell::without_comments;

/// Shell text that puts away the variables that would change what the commands after it do. The function
/// `minis2i_restore`, which it defines, gives them back for a script, and `minis2i_restore_options` the options of the shell. The variable `minis2i_search` must be set: folders
/// for programs as in `PATH`, or nothing.
pub fn put_away() -> String {
    without_comments(include_str!("own_variables.sh"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::put_away;

    #[test]
    fn commands_do_not_depend_on_variables_of_the_user() {
        let folder = tempfile::tempdir().unwrap();
        let search = folder.path().display();
        std::fs::write(folder.path().join("own"), "#!/bin/sh\necho own $TAR_OPTIONS.$BASH_ENV\n").unwrap();
        let program = format!(
            "minis2i_search=$1; {}\nchmod 755 '{search}/own'; own; (minis2i_restore; echo \"$PATH $TAR_OPTIONS $IFS\")",
            put_away()
        );
        let output = Command::new("/bin/sh")
            .args(["-c", &program, "sh", &search.to_string()])
            .env("PATH", "/x:$PATH")
            .env("TAR_OPTIONS", "--exclude=* it's")
            .env("BASH_ENV", "/none")
            .env("IFS", "minis2i_")
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        let printed = String::from_utf8(output.stdout).unwrap();
        assert!(printed.starts_with("own .\n/x:$PATH --exclude=* it's"), "{printed}");
    }

    #[test]
    fn options_of_the_shell_are_those_of_the_user_only_in_scripts() {
        let program = format!(
            "set -efu; minis2i_search=; {}\nfalse; echo $-; (minis2i_restore; minis2i_restore_options; echo $-)",
            put_away()
        );
        let output = Command::new("/bin/sh").args(["-c", &program]).output().unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        let (own, users) = printed.split_once('\n').unwrap();
        assert!(!own.contains('e') && ['e', 'f', 'u'].iter().all(|option| users.contains(*option)), "{printed}");
    }
}
