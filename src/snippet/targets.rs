//! make and just: a target for each command.

use super::{Request, Verb, shell};

/// A Makefile.
pub fn makefile(request: &Request) -> String {
    let names: Vec<&str> = request.verbs.iter().map(|verb| target(*verb)).collect();
    let mut text = format!("# Makefile\n.PHONY: {}\n", names.join(" "));
    for verb in &request.verbs {
        // make replaces `$` before a shell sees it.
        let line = shell::line(&request.command(*verb)).replace('$', "$$");
        text += &format!("\n# {}\n{}:\n\t{line}\n", purpose(*verb, &request.tag), target(*verb));
    }
    text
}

/// A justfile.
pub fn justfile(request: &Request) -> String {
    let mut text = String::from("# justfile\n");
    for verb in &request.verbs {
        let line = shell::line(&request.command(*verb));
        text += &format!("\n# {}\n{}:\n    {line}\n", purpose(*verb, &request.tag), target(*verb));
    }
    text
}

fn target(verb: Verb) -> &'static str {
    match verb {
        Verb::Build => "image",
        Verb::Watch => "watch",
    }
}

fn purpose(verb: Verb, tag: &str) -> String {
    match verb {
        Verb::Build => format!("build {tag} once"),
        Verb::Watch => format!("build {tag} on every save"),
    }
}
