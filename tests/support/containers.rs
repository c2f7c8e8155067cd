//! Which containers of minis2i exist in the engine, and how a container is removed.

use super::engine_api::{delete, encoded, filters, get};

/// Names of containers that minis2i made from an image, or from images that were built with it.
pub fn containers_from_image(builder: &str) -> Vec<String> {
    let names = names_of(&[("ancestor", builder), ("name", "^/?minis2i-")]);
    names.into_iter().filter(|name| !name.starts_with("minis2i-test-")).collect()
}

/// Names of the containers that the run with this process id made.
pub fn containers_of_process(id: u32) -> Vec<String> {
    names_of(&[("name", &format!("^/?minis2i-[0-9a-f]+-{id}[.]"))])
}

fn names_of(conditions: &[(&str, &str)]) -> Vec<String> {
    let found = get(&format!("/containers/json?all=1&{}", filters(conditions))).json();
    let name = |it: &serde_json::Value| it["Names"][0].as_str().map(|name| name.trim_start_matches('/').to_owned());
    found.as_array().into_iter().flatten().filter_map(name).collect()
}

/// Removes a container with its volumes, whether it runs or not. One that is gone is no error.
pub fn remove_container(name: &str) {
    delete(&format!("/containers/{}?force=1&v=1", encoded(name)));
}
