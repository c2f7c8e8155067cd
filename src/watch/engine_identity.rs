//! What tells the engine that calls reach from all others, however it is addressed.

use std::time::Duration;

use crate::engine::cli::Engine;

/// How long an answer may take; it is asked for beside other calls, so that a watch begins no later.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// What is asked: of docker, and of podman, whose engine has no id.
const FORMATS: [&str; 2] =
    ["{{.ID}}|{{.Name}}|{{.DockerRootDir}}|{{.ProductLicense}}", "|{{.Host.Hostname}}|{{.Store.GraphRoot}}|podman"];

/// The license that podman names when it is asked as docker.
const PODMAN_LICENSE: &str = "Apache-2.0";

/// The identity of the engine, in a form that is only good for comparing; `None` if the engine does not tell.
pub fn ask(engine: &Engine) -> Option<String> {
    FORMATS.iter().find_map(|format| {
        let output = engine.call_for_at_most(&["info", "--format", format], ANSWER_LIMIT).ok()?;
        if output.success { identity(output.stdout.trim()) } else { None }
    })
}

/// The identity in an answer `ID|HOST|FOLDER|LICENSE`. Machines that are copies of each other have the same id, so the name
/// of the host counts, too.
fn identity(answer: &str) -> Option<String> {
    let fields: Vec<&str> = answer.split('|').collect();
    let [id, host, folder, license] = fields[..] else { return None };
    // To docker's CLI, podman tells another id each time.
    if id.is_empty() || license == PODMAN_LICENSE {
        return (!folder.is_empty()).then(|| format!("{host} {folder}"));
    }
    Some(format!("{host} {id}"))
}

#[cfg(test)]
mod tests {
    use super::identity;

    #[test]
    fn an_engine_is_known_by_its_id_or_by_where_it_keeps_its_images() {
        let of = |answer| identity(answer).unwrap_or_default();
        assert_eq!(of("GMFO:F326|vm|/var/lib/docker|Community Engine"), "vm GMFO:F326");
        assert_eq!(of("GMFO:F326|vm|/var/lib/docker|"), "vm GMFO:F326");
        assert_eq!(of("0d3c|vm|/home/me/storage|Apache-2.0"), "vm /home/me/storage");
        assert_eq!(of("|vm|/home/me/storage|podman"), "vm /home/me/storage");
        for nothing in ["", "|||", "||", "|vm||"] {
            assert_eq!(identity(nothing), None, "{nothing}");
        }
    }
}
