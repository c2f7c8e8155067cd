//! What those who come from the reference implementation type.

use crate::support::Run;

const USAGE: i32 = 2;

#[test]
fn options_of_the_reference_that_are_not_taken_name_the_cure() {
    for (option, cure) in [
        ("--tls", "DOCKER_TLS_VERIFY"),
        ("--tlsverify", "DOCKER_CERT_PATH"),
        ("--ca=x", "DOCKER_CERT_PATH"),
        ("--cert=x", "docker context use"),
        ("--key=x", "docker context use"),
        ("--url=tcp://x", "DOCKER_HOST"),
        ("-Utcp://x", "DOCKER_HOST"),
        ("--dockercfg-path=x", "docker login"),
        ("--force-pull", "docker pull"),
        ("--memory=1g", "after `--`"),
    ] {
        let outcome = Run::new().args(&["build", option, "a", "b", "c"]).run().status(USAGE);
        outcome.says("error: `minis2i build` does not take `-").says("hint: ").says(cure);
    }
    Run::new().args(&["usage", "--no-incremental", "b"]).run().status(USAGE).says("an option of `minis2i build`");
    Run::new().args(&["build", "--nonsense", "a", "b", "c"]).run().status(USAGE).says("unexpected argument");
}

#[test]
fn an_argument_too_many_is_an_error() {
    let build = "the order is `minis2i build SOURCE BUILDER TAG`";
    for line in [&["build", "a", "b", "c", "d"][..], &["a", "b", "c", "d"]] {
        Run::new().args(line).run().status(USAGE).says("`d` is one argument too many").says(build);
    }
    Run::new().args(&["usage", "b", "c"]).run().status(USAGE).says("`minis2i usage BUILDER`");
}
