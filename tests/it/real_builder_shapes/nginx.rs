//! A builder with a site, and no `save-artifacts`.

use serde_json::json;

use super::application::{Application, core_builder};
use crate::support::builder::shared_builder;
use crate::support::project::Project;

fn nginx() -> Application {
    let builder = shared_builder("nginx", || {
        let own = ["etc/nginx", "etc/nginx/conf.d", "opt/app-root/etc/nginx-start", "opt/app-root/src/nginx-start"];
        own.iter()
            .fold(core_builder("nginx"), |builder, folder| builder.folder(folder, 1001, 0))
            .instruction("ENV NGINX_CONF_PATH=/etc/nginx/nginx.conf NGINX_CONFIGURATION_PATH=/etc/nginx/conf.d")
            .instruction("ENV NGINX_START_PATH=/opt/app-root/etc/nginx-start")
            .instruction("EXPOSE 8080 8443")
            .make()
            .build_on("STOPSIGNAL SIGQUIT")
    });
    let project = Project::new()
        .file("index.html", "page one\n")
        .file("nginx.conf", "# the site's\n")
        .file("nginx-cfg/gzip.conf", "gzip on;\n")
        .file("nginx-start/more.sh", "echo more\n")
        .file(".well-known/security.txt", "hello\n");
    Application { builder, project, folders: &["/opt/app-root", "/etc/nginx", "/tmp"] }
}

#[test]
fn a_site_and_its_configuration_get_to_their_places() {
    let application = nginx();
    application.build().says("(clean)");
    assert_eq!(application.project.image().run(&[]), "starting\nmore\n# the site's\ngzip on;\npage one");
    application.project.write("index.html", "page two\n");
    std::fs::remove_file(application.project.path().join("nginx-start/more.sh")).unwrap();
    // There is no script to ask for artifacts, so no container starts for it.
    application.build().never_says(", artifacts ");
    assert_eq!(application.project.image().run(&[]), "starting\n# the site's\ngzip on;\npage two");
    application.assert_equal_to_clean_build();
}

#[test]
fn signal_and_ports_stay_and_the_second_copy_of_the_source_does_not() {
    let application = nginx();
    application.build();
    application.assert_core_configuration();
    let config = application.project.image().config();
    assert_eq!(config["StopSignal"], "SIGQUIT");
    assert_eq!(config["ExposedPorts"], json!({"8080/tcp": {}, "8443/tcp": {}}));
    application.assert_files([
        ("/etc/nginx/nginx.conf", 0o644, (1001, 0), "# the site's\n"),
        ("/opt/app-root/src/.well-known/security.txt", 0o664, (1001, 0), "hello\n"),
    ]);
    application.assert_no_paths(["/tmp/src", "/opt/app-root/src/nginx.conf", "/opt/app-root/src/nginx-cfg"]);
}

#[test]
fn a_save_while_a_container_waits_makes_what_a_clean_build_makes() {
    let application = nginx();
    application.build_after_save("nginx-cfg/more.conf", "more on;\n");
    application.assert_files([("/etc/nginx/conf.d/more.conf", 0o664, (1001, 0), "more on;\n")]);
}
