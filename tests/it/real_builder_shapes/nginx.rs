//! A builder with a site, and no `save-artifacts`.

use serde_json::json;

use super::application::{Shape, on_the_core};
use crate::support::builder::shared;
use crate::support::project::Project;

fn nginx() -> Shape {
    let builder = shared("nginx", || {
        let own = ["etc/nginx", "etc/nginx/conf.d", "opt/app-root/etc/nginx-start", "opt/app-root/src/nginx-start"];
        own.iter()
            .fold(on_the_core("nginx"), |builder, folder| builder.folder(folder, 1001, 0))
            .change("ENV NGINX_CONF_PATH=/etc/nginx/nginx.conf NGINX_CONFIGURATION_PATH=/etc/nginx/conf.d")
            .change("ENV NGINX_START_PATH=/opt/app-root/etc/nginx-start")
            .change("EXPOSE 8080 8443")
            .make()
            .build_on("STOPSIGNAL SIGQUIT")
    });
    let project = Project::new()
        .file("index.html", "page one\n")
        .file("nginx.conf", "# the site's\n")
        .file("nginx-cfg/gzip.conf", "gzip on;\n")
        .file("nginx-start/more.sh", "echo more\n")
        .file(".well-known/security.txt", "hello\n");
    Shape { builder, project, folders: &["/opt/app-root", "/etc/nginx", "/tmp"] }
}

#[test]
fn a_site_and_its_configuration_get_to_their_places() {
    let shape = nginx();
    shape.build().says("(clean)");
    assert_eq!(shape.project.image().run(&[]), "starting\nmore\n# the site's\ngzip on;\npage one");
    shape.project.write("index.html", "page two\n");
    std::fs::remove_file(shape.project.path().join("nginx-start/more.sh")).unwrap();
    // There is no script to ask for artifacts, so no container starts for it.
    shape.build().never_says(", artifacts ");
    assert_eq!(shape.project.image().run(&[]), "starting\n# the site's\ngzip on;\npage two");
    shape.is_what_a_clean_build_makes();
}

#[test]
fn signal_and_ports_stay_and_the_second_copy_of_the_source_does_not() {
    let shape = nginx();
    shape.build();
    shape.keeps_the_cores_configuration();
    let config = shape.project.image().config();
    assert_eq!(config["StopSignal"], "SIGQUIT");
    assert_eq!(config["ExposedPorts"], json!({"8080/tcp": {}, "8443/tcp": {}}));
    shape.has([
        ("/etc/nginx/nginx.conf", 0o644, (1001, 0), "# the site's\n"),
        ("/opt/app-root/src/.well-known/security.txt", 0o664, (1001, 0), "hello\n"),
    ]);
    shape.has_none_of(["/tmp/src", "/opt/app-root/src/nginx.conf", "/opt/app-root/src/nginx-cfg"]);
}

#[test]
fn a_save_while_a_container_waits_makes_what_a_clean_build_makes() {
    let shape = nginx();
    shape.a_save("nginx-cfg/more.conf", "more on;\n");
    shape.has([("/etc/nginx/conf.d/more.conf", 0o664, (1001, 0), "more on;\n")]);
}
