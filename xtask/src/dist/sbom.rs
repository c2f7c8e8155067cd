//! The bill of materials: the crates in the program, as CycloneDX 1.5 has it.

use serde_json::{Value, json};

use super::crates::Crate;
use super::sums;

/// The JSON text. `program` are the bytes of the program that it is about.
pub fn sbom(crates: &[Crate], name: &str, program: &[u8], time: &str) -> String {
    let is_own = |one: &&Crate| one.name == name;
    let components: Vec<Value> = crates.iter().filter(|one| !is_own(one)).map(component).collect();
    let dependencies = crates.iter().map(|one| {
        let uses: Vec<String> = one.uses.iter().map(|(name, version)| package_url(name, version)).collect();
        json!({"ref": package_url(&one.name, &one.version), "dependsOn": uses})
    });
    let own = crates.iter().find(is_own).map(|one| {
        let mut own = component(one);
        own["type"] = "application".into();
        own["hashes"] = json!([{"alg": "SHA-256", "content": sums::sha256(program)}]);
        own
    });
    let sbom = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"timestamp": time, "component": own},
        "components": components,
        "dependencies": dependencies.collect::<Vec<_>>(),
    });
    let mut text = serde_json::to_string_pretty(&sbom).expect("it has only text keys");
    text.push('\n');
    text
}

fn component(one: &Crate) -> Value {
    let url = package_url(&one.name, &one.version);
    // An expression of SPDX has no slash; older crates write `MIT/Apache-2.0`.
    let licence = one.licence.replace('/', " OR ");
    let mut component = json!({
        "type": "library",
        "bom-ref": url,
        "name": one.name,
        "version": one.version,
        "licenses": [{"expression": licence}],
        "purl": url,
    });
    if let Some(description) = &one.description {
        component["description"] = description.as_str().into();
    }
    if let Some(sum) = &one.checksum {
        component["hashes"] = json!([{"alg": "SHA-256", "content": sum}]);
    }
    if let Some(repository) = &one.repository {
        component["externalReferences"] = json!([{"type": "vcs", "url": repository}]);
    }
    component
}

fn package_url(name: &str, version: &str) -> String {
    format!("pkg:cargo/{name}@{version}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::{Crate, sbom};

    fn one(name: &str, uses: &[&str]) -> Crate {
        let version = || "1.0.0".to_owned();
        Crate {
            name: name.to_owned(),
            version: version(),
            licence: "MIT/Apache-2.0".to_owned(),
            repository: None,
            description: None,
            checksum: Some("5f0c".to_owned()),
            folder: "/x".into(),
            uses: uses.iter().map(|name| ((*name).to_owned(), version())).collect(),
        }
    }

    /// What the schema of CycloneDX 1.5 requires: `bomFormat`, `specVersion`; of a component `type` and `name`; of a hash
    /// `alg` and `content`; of a dependency `ref`. References name components, and no `bom-ref` comes twice.
    #[test]
    fn it_has_what_the_schema_requires() {
        let text = sbom(&[one("part", &[]), one("top", &["part"])], "top", b"", "2026-11-27T00:00:00Z");
        let sbom: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&sbom["bomFormat"], &sbom["specVersion"]), (&"CycloneDX".into(), &"1.5".into()));
        let own = &sbom["metadata"]["component"];
        assert_eq!((&own["type"], &own["name"]), (&"application".into(), &"top".into()));
        let components = sbom["components"].as_array().unwrap();
        assert_eq!(components.len(), 1);
        let mut references = BTreeSet::from([own["bom-ref"].as_str().unwrap()]);
        for component in components {
            assert_eq!(component["type"], "library");
            assert!(component["name"].is_string() && component["version"].is_string());
            assert_eq!(component["licenses"][0]["expression"], "MIT OR Apache-2.0");
            assert!(component["hashes"][0]["alg"] == "SHA-256" && component["hashes"][0]["content"].is_string());
            assert!(references.insert(component["bom-ref"].as_str().unwrap()));
        }
        for dependency in sbom["dependencies"].as_array().unwrap() {
            assert!(references.contains(dependency["ref"].as_str().unwrap()));
            let uses = dependency["dependsOn"].as_array().unwrap();
            assert!(uses.iter().all(|it| references.contains(it.as_str().unwrap())));
        }
    }
}
