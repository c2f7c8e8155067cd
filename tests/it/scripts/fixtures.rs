//! What the tests of scripts share: scripts that print their name, and a builder with several folders of them.

use std::fs;
use std::sync::Arc;

use serde_json::json;

use crate::support::builder::{Builder, shared_builder};
use crate::support::project::Project;

/// A script that prints a name and its own path.
pub fn script_named(who: &str) -> String {
    format!("#!/bin/sh\necho \"{who} in $0\"\n")
}

/// A builder with a label for a folder of all three scripts, and with two more folders of one script each. Its
/// `save-artifacts` prints nothing.
pub fn builder() -> Arc<Builder> {
    shared_builder("scripts", || {
        let mut builder = Builder::without_scripts()
            .instruction("LABEL io.openshift.s2i.scripts-url=image:///opt/label")
            .instruction("WORKDIR /work")
            .file("opt/asked/run", 0o755, &script_named("asked run"))
            .file("work/relative/assemble", 0o755, &script_named("relative assemble"));
        for script in ["assemble", "run", "save-artifacts"] {
            let text = if script == "save-artifacts" {
                "#!/bin/sh\n".to_owned()
            } else {
                script_named(&format!("label {script}"))
            };
            builder = builder.file(&format!("opt/label/{script}"), 0o755, &text);
        }
        builder.make()
    })
}

pub fn folder_with(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

#[track_caller]
pub fn assert_image_runs(project: &Project, command: &str, says: &str) {
    assert_eq!(project.image().config()["Cmd"], json!([command]));
    assert_eq!(project.image().run(&[]), says);
}
