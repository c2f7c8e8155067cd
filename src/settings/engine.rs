//! The engine's CLI, held to the engine that it works with now: another program on the search path, or another context that
//! is chosen in another terminal, does not send the next call elsewhere.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{self, Path, PathBuf};

use serde::Deserialize;

use super::folders;
use crate::engine::dialect::Dialect;
use crate::engine::program::{Program, find_program};
use crate::engine::shared_ssh;

/// The CLIs of engines without contexts, also with something after the name, such as `podman-remote`.
const WITHOUT_CONTEXTS: [&str; 2] = [PODMAN, "nerdctl"];

/// What a script that chooses the engine itself has to name.
const ENGINE_VARIABLES: &[u8] = b"DOCKER_";

/// The name of podman's CLI, without what may come after it.
const PODMAN: &str = "podman";

/// Scripts that stand for a CLI are smaller than this, in bytes.
const SCRIPT_SIZE: u64 = 1 << 20;

/// The context that stands for the address in the environment, or for the engine of this machine.
const DEFAULT_CONTEXT: &str = "default";

/// The variables by which docker's CLI is told where the engine is.
#[derive(Debug, Default)]
struct Variables {
    host: Option<OsString>,
    context: Option<OsString>,
    /// The folder of the CLI's own settings.
    config: Option<PathBuf>,
    home: Option<PathBuf>,
    /// Keys from the environment are to be used.
    tls: bool,
}

impl Variables {
    fn read() -> Self {
        let variable = |name| env::var_os(name).filter(|value| !value.is_empty());
        Self {
            host: variable("DOCKER_HOST"),
            context: variable("DOCKER_CONTEXT"),
            config: variable("DOCKER_CONFIG").map(PathBuf::from),
            home: env::home_dir(),
            tls: variable("DOCKER_TLS").or(variable("DOCKER_TLS_VERIFY")).is_some(),
        }
    }
}

/// The CLI that was given as `typed`. Where it reaches its engine over ssh, its calls share a connection, which is made now.
pub fn engine_program(typed: &OsStr) -> Program {
    let search_path = env::var_os("PATH").unwrap_or_default();
    let found = find_program(typed, &search_path);
    let path = found.map(|path| path::absolute(&path).unwrap_or(path));
    let dialect = dialect(path.as_deref().unwrap_or(Path::new(typed)));
    let free = path.as_deref().is_some_and(|path| dialect.is_podman() || has_no_contexts(path) || chooses_engine(path));
    let mut variables = Vec::new();
    if !free {
        let now = Variables::read();
        variables = held(&now);
        let locks = folders::of_runs().locks;
        let sharing = address_now(&now).and_then(|address| shared_ssh::search_path(&address, &locks, &search_path));
        variables.extend(sharing.map(|path| ("PATH", path)));
    }
    Program::new(typed.to_owned(), path, variables, dialect)
}

/// The address of the engine that the CLI `typed` works with, as far as it is set: by a variable, or by a context.
pub fn address(typed: &OsStr) -> Option<String> {
    let found = find_program(typed, &env::var_os("PATH").unwrap_or_default());
    let path = found.unwrap_or_else(|| typed.into());
    if dialect(&path).is_podman() {
        return env::var("CONTAINER_HOST").ok().filter(|address| !address.is_empty());
    }
    if chooses_engine(&path) { None } else { address_now(&Variables::read()) }
}

/// The address that docker's CLI takes from these variables and its own settings.
fn address_now(now: &Variables) -> Option<String> {
    if let Some(host) = &now.host {
        return host.to_str().map(str::to_owned);
    }
    let config = now.config.clone().or_else(|| Some(now.home.as_ref()?.join(".docker")))?;
    let context = now.context.clone().or_else(|| current_context(&config).map(OsString::from))?;
    endpoint(&config, context.to_str()?).map(|endpoint| endpoint.host)
}

/// What tells one engine from another, as far as that is known without asking: the program with all links resolved, and
/// the address that is set.
pub fn spelling(typed: &OsStr) -> String {
    let names = ["DOCKER_HOST", "DOCKER_CONTEXT", "CONTAINER_HOST", "CONTAINER_CONNECTION"];
    let address = names.map(|name| env::var_os(name).unwrap_or_default());
    let found = find_program(typed, &env::var_os("PATH").unwrap_or_default());
    let program = found.and_then(|path| path.canonicalize().ok()).unwrap_or_else(|| typed.into());
    format!("{program:?} {address:?}")
}

/// The variables that hold docker's CLI to the engine that these variables and its own settings lead to now. Other CLIs do
/// not read them.
fn held(now: &Variables) -> Vec<(&'static str, OsString)> {
    let mut held = Vec::new();
    if let Some(config) = now.config.as_ref().filter(|config| config.is_relative()) {
        held.extend(path::absolute(config).map(|config| ("DOCKER_CONFIG", config.into())));
    }
    if now.host.is_some() {
        return held;
    }
    let config = now.config.clone().or_else(|| Some(now.home.as_ref()?.join(".docker")));
    let context = now.context.clone().or_else(|| current_context(config.as_deref()?).map(OsString::from));
    let context = context.unwrap_or_else(|| DEFAULT_CONTEXT.into());
    let address = config.filter(|_| !now.tls && context != DEFAULT_CONTEXT).and_then(|config| {
        let name = context.to_str()?;
        endpoint(&config, name).filter(|endpoint| endpoint.is_plain).map(|endpoint| endpoint.host)
    });
    held.push(match address {
        Some(address) => ("DOCKER_HOST", address.into()),
        None => ("DOCKER_CONTEXT", context),
    });
    held
}

/// The context that `docker context use` chose last.
fn current_context(config: &Path) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Config {
        current_context: Option<String>,
    }
    let config: Config = serde_json::from_slice(&fs::read(config.join("config.json")).ok()?).ok()?;
    config.current_context.filter(|name| !name.is_empty())
}

/// Where the engine of a context is. A context can be edited, an address stays what it is.
struct ContextEndpoint {
    host: String,
    /// There is no more to it than the address, such as keys.
    is_plain: bool,
}

/// Where the engine of a context is, if the CLI's settings have it.
fn endpoint(config: &Path, context: &str) -> Option<ContextEndpoint> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Meta {
        name: String,
        endpoints: Endpoints,
    }
    #[derive(Deserialize)]
    struct Endpoints {
        docker: Endpoint,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Endpoint {
        #[serde(default)]
        host: String,
        #[serde(default, rename = "SkipTLSVerify")]
        skip_tls_verify: bool,
    }
    let contexts = config.join("contexts");
    let folders = fs::read_dir(contexts.join("meta")).ok()?.flatten();
    folders.into_iter().find_map(|folder| {
        let meta: Meta = serde_json::from_slice(&fs::read(folder.path().join("meta.json")).ok()?).ok()?;
        let has_keys = contexts.join("tls").join(folder.file_name()).exists();
        let Endpoint { host, skip_tls_verify } = meta.endpoints.docker;
        let is_plain = !skip_tls_verify && !has_keys;
        (meta.name == context && !host.is_empty()).then_some(ContextEndpoint { host, is_plain })
    })
}

/// Whether a program is known to have no contexts.
fn has_no_contexts(program: &Path) -> bool {
    WITHOUT_CONTEXTS.iter().any(|other| is_called(program, other))
}

/// Whose CLI a program seems to be. The `docker` of podman is a script that calls podman, or a link to it.
fn dialect(program: &Path) -> Dialect {
    let podman = is_called(program, PODMAN) || script(program).is_some_and(|text| contains(&text, PODMAN.as_bytes()));
    if podman { Dialect::Podman } else { Dialect::Docker }
}

/// Whether the name of a program, with all links resolved, begins so.
pub(super) fn is_called(program: &Path, name: &str) -> bool {
    let program = program.canonicalize().unwrap_or_else(|_| program.to_owned());
    program.file_name().unwrap_or_default().to_string_lossy().starts_with(name)
}

/// Whether a program is a script that says itself which engine is used.
fn chooses_engine(program: &Path) -> bool {
    script(program).is_some_and(|text| contains(&text, ENGINE_VARIABLES))
}

/// The text of a program that is a script.
fn script(program: &Path) -> Option<Vec<u8>> {
    let is_small = fs::metadata(program).is_ok_and(|meta| meta.len() < SCRIPT_SIZE);
    let text = if is_small { fs::read(program).ok()? } else { return None };
    text.starts_with(b"#!").then_some(text)
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use std::env;
    use std::ffi::{OsStr, OsString};
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use super::{
        Dialect, Variables, address_now, chooses_engine, dialect, find_program, has_no_contexts, held, spelling,
    };

    /// Settings of docker's CLI with these contexts, by name and address, of which one may have keys.
    fn config(current: &str, contexts: &[(&str, &str)], keys: &str) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("config.json"), format!("{{\"auths\":{{}},\"currentContext\":\"{current}\"}}"))
            .unwrap();
        for (name, host) in contexts {
            let meta = dir.path().join("contexts/meta").join(format!("id-of-{name}"));
            fs::create_dir_all(&meta).unwrap();
            let text = format!(
                r#"{{"Name":"{name}","Metadata":{{}},"Endpoints":{{"docker":{{"Host":"{host}","SkipTLSVerify":false}}}}}}"#
            );
            fs::write(meta.join("meta.json"), text).unwrap();
            if *name == keys {
                fs::create_dir_all(dir.path().join("contexts/tls").join(format!("id-of-{name}")).join("docker"))
                    .unwrap();
            }
        }
        dir
    }

    fn of(config: &Path, host: Option<&str>, context: Option<&str>) -> Vec<(&'static str, String)> {
        let own = |text: Option<&str>| text.map(OsString::from);
        let now = Variables {
            host: own(host),
            context: own(context),
            config: Some(config.to_owned()),
            ..Variables::default()
        };
        held(&now).into_iter().map(|(name, value)| (name, value.into_string().unwrap())).collect()
    }

    #[test]
    fn a_context_that_was_chosen_elsewhere_moved_the_builds_to_another_engine() {
        let hosts = [("one", "unix:///one.sock"), ("two", "tcp://two:2376")];
        let dir = config("one", &hosts, "two");
        assert_eq!(of(dir.path(), None, None), [("DOCKER_HOST", "unix:///one.sock".to_owned())]);
        // An address without its keys would be of no use.
        assert_eq!(of(dir.path(), None, Some("two")), [("DOCKER_CONTEXT", "two".to_owned())]);
        assert_eq!(of(dir.path(), None, Some("none")), [("DOCKER_CONTEXT", "none".to_owned())]);
        assert_eq!(of(dir.path(), Some("tcp://x"), Some("two")), []);
        let none = tempfile::tempdir().unwrap();
        assert_eq!(of(none.path(), None, None), [("DOCKER_CONTEXT", "default".to_owned())]);
        assert_eq!(of(config("", &[], "").path(), None, None), [("DOCKER_CONTEXT", "default".to_owned())]);
    }

    #[test]
    fn the_address_of_an_engine_is_that_of_the_environment_or_of_its_context() {
        let hosts = [("one", "unix:///one.sock"), ("two", "tcp://two:2376")];
        let dir = config("one", &hosts, "two");
        let of = |host: Option<&str>, context: Option<&str>| {
            let own = |text: Option<&str>| text.map(OsString::from);
            let config = Some(dir.path().to_owned());
            address_now(&Variables { host: own(host), context: own(context), config, ..Variables::default() })
        };
        assert_eq!(of(None, None).as_deref(), Some("unix:///one.sock"));
        // That there are keys, too, does not matter here.
        assert_eq!(of(None, Some("two")).as_deref(), Some("tcp://two:2376"));
        assert_eq!(of(Some("ssh://three"), Some("two")).as_deref(), Some("ssh://three"));
        assert_eq!(of(None, Some("none")), None);
    }

    #[test]
    fn settings_of_the_cli_given_by_a_relative_path_are_those_of_the_start() {
        let absolute = env::current_dir().unwrap().join("x").into_os_string().into_string().unwrap();
        let expected = [("DOCKER_CONFIG", absolute), ("DOCKER_CONTEXT", "default".to_owned())];
        assert_eq!(of(Path::new("x"), None, None), expected);
    }

    #[test]
    fn other_engines_are_told_nothing_of_contexts() {
        for (program, free) in
            [("/x/podman", true), ("/x/podman-remote", true), ("/x/nerdctl", true), ("/x/docker", false)]
        {
            assert_eq!(has_no_contexts(Path::new(program)), free, "{program}");
        }
    }

    #[test]
    fn a_docker_that_is_podman_is_understood_as_podman() {
        let dir = tempfile::tempdir().unwrap();
        let [podman, docker, link] = ["podman", "docker", "link"].map(|name| dir.path().join(name));
        fs::write(&podman, "\u{7f}ELF").unwrap();
        std::os::unix::fs::symlink(&podman, &link).unwrap();
        // What the package `podman-docker` installs, as far as it matters.
        fs::write(&docker, "#!/bin/sh\n[ -e /etc/containers/nodocker ] || \\\nexec /usr/bin/podman \"$@\"\n").unwrap();
        assert!([&podman, &docker, &link].iter().all(|program| dialect(program) == Dialect::Podman));
        fs::write(&docker, "#!/bin/sh\nexec docker-28 \"$@\"\n").unwrap();
        assert_eq!(dialect(&docker), Dialect::Docker);
    }

    #[test]
    fn a_script_that_chooses_the_engine_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let script = dir.path().join("docker");
        for (text, chooses) in [
            ("#!/bin/sh\nDOCKER_CONFIG=/x exec docker \"$@\"\n", true),
            ("#!/bin/sh\nexec docker \"$@\"\n", false),
            ("\u{7f}ELF DOCKER_HOST", false),
        ] {
            fs::write(&script, text).unwrap();
            assert_eq!(chooses_engine(&script), chooses, "{text}");
        }
    }

    #[test]
    fn a_program_is_the_first_on_the_search_path_that_can_be_run() {
        let dir = tempfile::tempdir().unwrap();
        let [first, second] = ["first", "second"].map(|name| dir.path().join(name));
        for folder in [&first, &second] {
            fs::create_dir(folder).unwrap();
            fs::write(folder.join("docker"), "").unwrap();
        }
        let program = second.join("docker");
        fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
        let search_path = env::join_paths([&first, &second]).unwrap();
        for typed in [OsStr::new("docker"), program.as_os_str()] {
            assert_eq!(find_program(typed, &search_path).as_deref(), Some(&*program));
        }
        assert_eq!(find_program(OsStr::new("none"), &search_path), None);
        std::os::unix::fs::symlink(&program, dir.path().join("link")).unwrap();
        assert_eq!(spelling(dir.path().join("link").as_os_str()), spelling(program.as_os_str()));
    }
}
