//! The workflows in `.github/workflows/`, read with the models of their syntax. There, `actionlint` checks them as well; it
//! is no crate.

use std::fs;
use std::path::PathBuf;

use github_actions_models::workflow::Workflow;
use serde_yaml_ng::Value;

use crate::workspace;

/// The keys that we use, of those that the syntax of workflows has: the models let others pass.
const KEYS: [&str; 7] = ["name", "on", "permissions", "concurrency", "env", "jobs", "defaults"];
const JOB_KEYS: [&str; 7] = ["runs-on", "timeout-minutes", "permissions", "steps", "needs", "if", "env"];
const STEP_KEYS: [&str; 7] = ["name", "uses", "with", "run", "env", "working-directory", "if"];

/// Names and texts.
fn workflows() -> Vec<(PathBuf, String)> {
    let files = fs::read_dir(workspace::root().join(".github/workflows")).unwrap();
    let texts = files.map(|file| file.unwrap().path()).map(|path| (path.clone(), fs::read_to_string(path).unwrap()));
    texts.collect()
}

/// What is wrong with a workflow, as messages.
fn faults(text: &str) -> Vec<String> {
    if let Err(error) = serde_yaml_ng::from_str::<Workflow>(text) {
        return vec![error.to_string()];
    }
    let workflow: Value = serde_yaml_ng::from_str(text).unwrap();
    let mut faults = unknown_keys("the workflow", &workflow, &KEYS);
    for (name, job) in workflow["jobs"].as_mapping().into_iter().flatten() {
        let name = name.as_str().unwrap_or_default();
        faults.extend(unknown_keys(name, job, &JOB_KEYS));
        if job["timeout-minutes"].is_null() {
            faults.push(format!("{name}: it may run for ever"));
        }
        for step in job["steps"].as_sequence().into_iter().flatten() {
            faults.extend(unknown_keys(name, step, &STEP_KEYS));
        }
    }
    if workflow["permissions"].is_null() {
        faults.push("the workflow has all permissions".to_owned());
    }
    let known = fs::read_to_string(workspace::root().join("xtask/src/main.rs")).unwrap();
    let tasks = text.split("cargo xtask ").skip(1).filter_map(|rest| rest.split_whitespace().next());
    faults.extend(
        tasks.filter(|task| !known.contains(&format!("\"{task}\","))).map(|task| format!("there is no task `{task}`")),
    );
    faults
}

fn unknown_keys(place: &str, value: &Value, known: &[&str]) -> Vec<String> {
    let keys = value.as_mapping().into_iter().flatten().filter_map(|(key, _)| key.as_str());
    keys.filter(|key| !known.contains(key)).map(|key| format!("{place}: unknown key `{key}`")).collect()
}

#[test]
fn the_workflows_are_valid() {
    let workflows = workflows();
    assert_eq!(workflows.len(), 2);
    for (path, text) in workflows {
        assert_eq!(faults(&text), Vec::<String>::new(), "{}", path.display());
    }
}

#[test]
fn what_is_wrong_is_found() {
    let head = "name: x\non: push\npermissions: {}\njobs:\n  a:\n    runs-on: x\n    timeout-minutes: 1\n    steps:\n";
    assert!(faults(&format!("{head}      - run: cargo xtask ci\n")).is_empty());
    for (step, fault) in [
        ("- run: cargo xtask cj", "there is no task `cj`"),
        ("- uses: actions/checkout", "did not match"),
        ("- runs: x", "did not match"),
        ("- run: x\n        word: x", "a: unknown key `word`"),
    ] {
        let faults = faults(&format!("{head}      {step}\n"));
        assert!(faults.iter().any(|it| it.contains(fault)), "{step}: {faults:?}");
    }
}
