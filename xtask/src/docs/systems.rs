//! Where the program differs between Linux and other systems. Other systems' code is not compiled on Linux, so each place is
//! listed, and kept small.

use std::collections::BTreeMap;

/// A file with code for one system, what it does on Linux and elsewhere, and what of the latter is tested on Linux.
const PLACES: [(&str, &str, &str, &str); 7] = [
    ("src/app/browser.rs", "opens a URL with `xdg-open`", "macOS: `open`", "which program it is"),
    ("src/app/forwarder.rs", "has pipes for `splice`", "has none", "all, by the tests of the mover"),
    (
        "src/app/forwarder/mover.rs",
        "moves bytes with `splice`",
        "copies them through a buffer",
        "both, by the same tests",
    ),
    ("src/app/forwarder/poller.rs", "waits with `epoll`", "waits with `poll`", "both, by the same tests"),
    ("src/app/forwarder/sockets.rs", "makes sockets with their flags in one call", "sets the flags afterwards", "both"),
    (
        "src/settings/kept_files.rs",
        "keeps a file for `docker run` that is a pipe in memory (`memfd`)",
        "leaves it to the CLI, which reads it once",
        "that it is left to it",
    ),
    (
        "src/watch/fs_watcher.rs",
        "has one watch for each folder (inotify)",
        "has one for the whole source (FSEvents)",
        "what the events mean, not that they come",
    ),
];

/// The table, in Markdown.
pub fn table() -> String {
    let head = "| file | on Linux | elsewhere | of the latter tested on Linux |\n|---|---|---|---|\n".to_owned();
    PLACES.iter().fold(head, |table, (file, linux, elsewhere, tested)| {
        table + &format!("| `{file}` | {linux} | {elsewhere} | {tested} |\n")
    })
}

/// Files that differ between systems and are not listed, and listed ones that do not, as messages.
pub fn faults(files: &BTreeMap<String, String>) -> Vec<String> {
    let word = "target_os";
    let differs = |text: &str| text.split("#[cfg(test)]\nmod tests {").next().is_some_and(|code| code.contains(word));
    let found = files.iter().filter(|(name, text)| !name.ends_with("tests.rs") && differs(text)).map(|(name, _)| name);
    let found: Vec<&str> = found.map(String::as_str).collect();
    let listed: Vec<&str> = PLACES.iter().map(|(file, ..)| *file).collect();
    let missing = found.iter().filter(|file| !listed.contains(file)).map(|file| {
        format!("{file}: differs between systems, and is not in the list, which is xtask/src/docs/systems.rs")
    });
    let gone = listed.iter().filter(|file| !found.contains(file)).map(|file| {
        format!("{file}: does not differ between systems, and is in the list, which is xtask/src/docs/systems.rs")
    });
    missing.chain(gone).collect()
}

#[cfg(test)]
mod tests {
    use super::{PLACES, faults};

    #[test]
    fn the_list_has_to_be_complete_and_true() {
        let place =
            |(file, ..): &(&str, &str, &str, &str)| ((*file).to_owned(), "#[cfg(target_os = \"linux\")]".to_owned());
        let mut files: std::collections::BTreeMap<_, _> = PLACES.iter().map(place).collect();
        assert!(faults(&files).is_empty());
        files.insert("src/new.rs".to_owned(), "if cfg!(target_os = \"macos\") {}".to_owned());
        files.insert("src/app/browser.rs".to_owned(), String::new());
        let faults = faults(&files);
        assert!(faults.len() == 2 && faults[0].starts_with("src/new.rs: differs") && faults[1].contains("does not"));
    }
}
