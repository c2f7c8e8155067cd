//! What a build needs of this machine is sent: the engine is shown no folder of it.

use crate::support::builder::{Builder, shared_builder};
use crate::support::engine_link::{EngineLink, Line};
use crate::support::project::Project;

#[test]
fn source_secrets_injected_files_and_scripts_are_sent() {
    let builder = shared_builder("remote", || Builder::without_scripts().instruction("WORKDIR /app").make());
    let project = Project::new().file("a", "source");
    let folders = ["scripts", "injected"].map(|name| project.temp_dir().join(name));
    folders.iter().for_each(|folder| std::fs::create_dir(folder).unwrap());
    let [scripts, injected] = &folders;
    std::fs::write(
        scripts.join("assemble"),
        "#!/bin/sh\nset -e\ncat /tmp/src/a /run/secrets/word /opt/injected/file >/app/out\n",
    )
    .unwrap();
    std::fs::write(scripts.join("run"), "#!/bin/sh\nexec cat /app/out\n").unwrap();
    std::fs::write(injected.join("file"), " injected").unwrap();
    let link = EngineLink::new(Line::FAR);
    let run = project.build(&builder).env("DOCKER_HOST", link.docker_host()).env("WORD", " secret");
    let inject = format!("{}:/opt/injected", injected.display());
    let url = format!("file://{}", scripts.display());
    run.args(&["--secret", "id=word,env=WORD", "--inject", &inject, "--scripts-url", &url]).success();
    assert_eq!(project.image_file("out"), "source secret injected");
    // It takes the line, too.
    project.wait_for_background_removal();
    let created = link.since(0).bodies("POST /containers/create");
    assert!(!created.is_empty());
    for container in created {
        let host = &container["HostConfig"];
        let binds = host["Binds"].as_array().into_iter().flatten();
        assert_eq!(binds.filter(|bind| bind.as_str().unwrap().starts_with('/')).count(), 0, "{host}");
        let mounts = host["Mounts"].as_array().into_iter().flatten();
        assert_eq!(mounts.filter(|mount| mount["Type"] == "bind").count(), 0, "{host}");
    }
}
