//! Options of `docker run` that the user gives after `--`.

use std::ops::Range;

use anyhow::Result;

use crate::error::Error;

/// Options of `docker run` that cannot be passed on, since a build depends on them, and why.
const REFUSED: [(&str, &str); 9] = [
    ("--name", "the containers of a build are named by minis2i"),
    ("--rm", "containers are removed anyway"),
    ("--detach", "minis2i has to talk to the container"),
    ("--tty", "scripts run without a terminal, so that their output stays as it is"),
    ("--interactive", "the source travels on standard input already"),
    ("--attach", "minis2i attaches what it needs"),
    ("--entrypoint", "the builder's ENTRYPOINT stays in force"),
    ("--cidfile", "the containers are gone after the build"),
    ("--restart", "a build runs once"),
];

/// Checks that a build can work with these options.
///
/// # Errors
/// When an option cannot be passed on, or the first word is not an option.
pub fn check_run_options(options: &[String]) -> Result<()> {
    for option in options {
        let name = option.split('=').next().unwrap_or(option);
        let long = long_name(name);
        if let Some((_, why)) = REFUSED.iter().find(|(refused, _)| *refused == long) {
            return Err(Error::usage(format!("`{option}` cannot be passed on to `docker run`: {why}"))
                .hint("leave it out")
                .into());
        }
    }
    // `docker run` would take a first word that is not an option for the image.
    match options.first() {
        Some(word) if !word.starts_with('-') => {
            Err(Error::usage(format!("`{word}` after `--` is not an option of `docker run`"))
                .hint("after `--` come options such as `--memory 512m`")
                .into())
        }
        _ => Ok(()),
    }
}

/// The user that the options name, if they do.
pub fn user_option(options: &[String]) -> Option<&str> {
    value_of(options, "--user", "-u")
}

/// The beginnings of the options of `docker run` that leave the configuration of a container alone, which a commit takes
/// over: they limit it, or they set up its network, its mounts, its rights or its devices.
const UNRELATED: [&str; 38] = [
    "--add-host",
    "--annotation",
    "--blkio-weight",
    "--cap-",
    "--cgroup",
    "--cpu",
    "--device",
    "--disable-content-trust",
    "--dns",
    "--gpus",
    "--group-add",
    "--init",
    "--ip",
    "--isolation",
    "--kernel-memory",
    "--link",
    "--log-",
    "--memory",
    "--mount",
    "--net",
    "--oom-",
    "--pid",
    "--platform",
    "--privileged",
    "--publish-all",
    "--pull",
    "--quiet",
    "--read-only",
    "--runtime",
    "--security-opt",
    "--shm-size",
    "--storage-opt",
    "--sysctl",
    "--tmpfs",
    "--ulimit",
    "--userns",
    "--uts",
    "--volumes-from",
];

/// Whether the options may change the configuration of a container, which a commit takes over. One that is not known may.
pub fn may_configure(options: &[String]) -> bool {
    options.iter().enumerate().any(|(index, option)| {
        let volume = match option.strip_prefix("--volume=") {
            Some(volume) => Some(volume),
            None if option == "--volume" || option == "-v" => options.get(index + 1).map(String::as_str),
            None => None,
        };
        match volume {
            // Without a source it is a volume of the image.
            Some(volume) => !volume.contains(':'),
            None if option.starts_with("--") => !UNRELATED.iter().any(|name| option.starts_with(name)),
            None => option.starts_with('-') && !["-m", "-c"].iter().any(|name| option.starts_with(name)),
        }
    })
}

/// The options without those for a health check, which does not run in the containers of a build.
pub fn without_health_checks(options: &[String]) -> Vec<String> {
    let mut left = Vec::new();
    let mut options = options.iter();
    while let Some(option) = options.next() {
        match option.strip_prefix("--health-") {
            Some(rest) if rest.contains('=') => {}
            Some(_) => drop(options.next()),
            None if option.starts_with("--no-healthcheck") => {}
            None => left.push(option.clone()),
        }
    }
    left
}

/// The value of an option that is given by its long or short name; the last one is in force, as for docker.
fn value_of<'o>(options: &'o [String], long: &str, short: &str) -> Option<&'o str> {
    let mut found = None;
    let mut options = options.iter();
    while let Some(option) = options.next() {
        let value = if option == long || option == short {
            options.next().map(String::as_str)
        } else if let Some(rest) = option.strip_prefix(long) {
            rest.strip_prefix('=')
        } else {
            option.strip_prefix(short).map(|rest| rest.strip_prefix('=').unwrap_or(rest))
        };
        found = value.or(found);
    }
    found
}

/// The places of the values of these options: the index of the word that has it, and where in the word.
pub fn values(options: &[String], names: &[&str]) -> Vec<(usize, Range<usize>)> {
    let mut found = Vec::new();
    for (index, option) in options.iter().enumerate() {
        match option.split_once('=') {
            Some((name, _)) if names.contains(&name) => found.push((index, name.len() + 1..option.len())),
            None if names.contains(&option.as_str()) => {
                found.extend(options.get(index + 1).map(|value| (index + 1, 0..value.len())));
            }
            _ => {}
        }
    }
    found
}

/// The long name of a refused short option, which may be one of several, as in `-dit`. Other names are returned as they
/// are.
fn long_name(name: &str) -> &str {
    let Some(letters) = name.strip_prefix('-').filter(|rest| !rest.starts_with('-')) else { return name };
    // What follows any other letter is the value of that option.
    let flags = letters.chars().take_while(|letter| "ditPqa".contains(*letter));
    let mut known = flags.filter_map(|letter| match letter {
        'd' => Some("--detach"),
        't' => Some("--tty"),
        'i' => Some("--interactive"),
        'a' => Some("--attach"),
        _ => None,
    });
    known.next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::{check_run_options, may_configure, user_option, without_health_checks};

    #[test]
    fn the_last_user_among_the_options_counts() {
        let user = |line: &str| {
            let options: Vec<String> = line.split(' ').map(str::to_owned).collect();
            user_option(&options).map(str::to_owned)
        };
        assert_eq!(user("--memory 1g"), None);
        for line in ["-u 5", "--user=5", "-u=5", "-u5", "--user 4 --memory 1g -u 5"] {
            assert_eq!(user(line).as_deref(), Some("5"), "{line}");
        }
    }

    #[test]
    fn options_for_health_checks_are_left_out_with_their_values() {
        let options =
            ["--health-cmd", "--env", "--memory", "1g", "--health-retries=5", "--no-healthcheck", "-e", "A=1"];
        let left = without_health_checks(&options.map(str::to_owned));
        assert_eq!(left, ["--memory", "1g", "-e", "A=1"]);
    }

    #[test]
    fn options_that_a_commit_would_take_over_are_known() {
        let configure = |line: &str| may_configure(&line.split(' ').map(str::to_owned).collect::<Vec<_>>());
        for line in [
            "--memory 512m --network=none",
            "-m512m -c 5 --cpus=2",
            "--volume=/a:/b:ro -v name:/c --volume x:/d",
            "--mount type=volume,target=/a --tmpfs /b",
            "--pids-limit 5 --init --privileged --ulimit nofile=5",
        ] {
            assert!(!configure(line), "{line}");
        }
        for line in [
            "--env A=1",
            "-eA=1",
            "--env-file x",
            "--workdir /w",
            "-w/w",
            "-p 80",
            "--publish=1:2",
            "--expose 5",
            "-v /anonymous",
            "--volume=/anonymous",
            "--label a=b",
            "-l a",
            "--label-file x",
            "--stop-signal QUIT",
            "--stop-timeout 5",
            "--hostname h",
            "-h h",
            "--domainname d",
            "--mac-address 1",
            "--user 5",
            "-u 5",
            "--memory 1g -u5",
            "--not-known-yet",
        ] {
            assert!(configure(line), "{line}");
        }
    }

    #[test]
    fn options_that_would_take_the_container_away_are_refused() {
        let check = |options: &[&str]| check_run_options(&options.iter().map(|o| (*o).to_owned()).collect::<Vec<_>>());
        assert!(check(&["--memory", "512m", "--network=none", "-m512m", "-vdit:/x"]).is_ok());
        for bad in [["--name=x"], ["-d"], ["-it"], ["-Pdq"], ["-astdin"], ["busybox"]] {
            assert!(check(&bad).is_err(), "{bad:?}");
        }
    }
}
