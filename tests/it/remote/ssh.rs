//! An engine over ssh: how often a run logs in there.

use std::fs;

use crate::support::builder::Builder;
use crate::support::holding_builder::holding_builder;
use crate::support::project::Project;
use crate::support::ssh_server::SshServer;
use crate::support::wait::wait_for;

#[test]
fn a_build_over_ssh_logged_in_for_each_call() {
    let Some(server) = SshServer::start() else { return };
    let builder = Builder::copying().make();
    let project = Project::new().file("a", "1");
    server.reached_by(project.build(&builder)).success();
    project.wait_for_background_removal();
    assert_eq!(server.logins(), 1);
    assert_eq!(project.image_file("a"), "1");
    assert_eq!(builder.containers_of_builds(), [""; 0]);
    // The connection is there for a while, and then it is gone without a trace but the folder.
    wait_for("the end of the connection", || connections(&project) == 0);
    project.write("a", "2");
    server.reached_by(project.build(&builder)).success();
    project.wait_for_background_removal();
    assert_eq!(server.logins(), 2);
    assert_eq!(project.image_file("a"), "2");
}

#[test]
fn a_watch_over_ssh_logs_in_once_and_again_when_the_connection_is_lost() {
    let Some(server) = SshServer::start() else { return };
    let builder = holding_builder().make();
    let project = Project::new().file("a", "1");
    let watch = server.reached_by(project.watch(&builder)).start_watch();
    watch.wait_for_standby();
    for text in ["2", "3"] {
        watch.build_after(|| project.write("a", text));
        watch.wait_for_standby();
    }
    assert_eq!(server.logins(), 1, "{watch}");
    server.end_connections();
    project.write("a", "4");
    wait_for("the newest source", || project.image_file("a") == "4");
    watch.wait_for_standby();
    watch.build_after(|| project.write("a", "5"));
    assert_eq!(project.image_file("a"), "5");
    watch.stop("INT");
    assert_eq!(builder.containers_of_builds(), [""; 0]);
}

#[test]
fn a_connection_that_the_user_shares_is_used() {
    let Some(server) = SshServer::start() else { return };
    let builder = Builder::copying().make();
    let project = Project::new().file("a", "1");
    let socket = server.folder().join("of-the-user");
    server.add_setting(&format!("ControlMaster auto\nControlPath {}\nControlPersist 1", socket.display()));
    server.reached_by(project.build(&builder)).success();
    project.wait_for_background_removal();
    assert_eq!(project.image_file("a"), "1");
    assert_eq!(shared(&project), [""; 0]);
}

#[test]
fn an_ssh_that_cannot_log_in_is_told_in_its_own_words() {
    let Some(server) = SshServer::start() else { return };
    let builder = Builder::copying().make();
    let project = Project::new().file("a", "1");
    fs::remove_file(server.folder().join("key")).unwrap();
    let outcome = server.reached_by(project.build(&builder)).run().status(125);
    outcome.says("Permission denied (publickey").says("\nhint: log in to the engine's machine by hand first");
}

/// What the runs of a project made to share connections.
fn shared(project: &Project) -> Vec<String> {
    let items = project.items_of_runs();
    let folders = items.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("ssh-"));
    folders.map(|path| path.display().to_string()).collect()
}

/// How many of them are in use.
fn connections(project: &Project) -> usize {
    shared(project).iter().filter(|folder| fs::exists(format!("{folder}/c")).unwrap()).count()
}
