//! The configuration of the engine's CLI, as far as it changes what a container gets.

use std::fs;
use std::path::Path;

use serde::Deserialize;

/// The part of the file that is used here.
#[derive(Deserialize)]
struct ClientConfig {
    /// Proxies by the address of an engine, or `default`.
    #[serde(default)]
    proxies: Option<serde_json::Map<String, serde_json::Value>>,
}

/// Whether the configuration file at `path` may make the CLI give proxies to the containers that it creates, as
/// environment variables. A file that is missing, or that the CLI cannot use either, does not.
pub fn has_proxies(path: &Path) -> bool {
    if !path.is_file() {
        return false;
    }
    let Ok(text) = fs::read(path) else { return false };
    let config: Option<ClientConfig> = serde_json::from_slice(&text).ok();
    config.and_then(|config| config.proxies).is_some_and(|proxies| !proxies.is_empty())
}

#[cfg(test)]
mod tests {
    use super::has_proxies;

    #[test]
    fn proxies_are_found_for_any_engine() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.json");
        assert!(!has_proxies(&path));
        for (text, expected) in [
            (r#"{"proxies":{"default":{"httpProxy":"http://a"}},"auths":{}}"#, true),
            (r#"{"proxies":{"tcp://engine:1":{"noProxy":"b"}}}"#, true),
            (r#"{"proxies":{}}"#, false),
            (r#"{"proxies":null}"#, false),
            (r#"{"auths":{}}"#, false),
            ("{", false),
        ] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(has_proxies(&path), expected, "{text}");
        }
    }
}
