//! Builders with a shell, but without `tar`.

use super::fixtures::artifacts;
use crate::support::base_image::BaseImage;
use crate::support::builder::Builder;
use crate::support::engine::{docker, unique_name};
use crate::support::exit_status::ENGINE;
use crate::support::project::Project;
use crate::support::stand_in_cli::StandInCli;

/// A base without `tar`, and a builder on it.
fn builder(with: impl FnOnce(Builder) -> Builder) -> (BaseImage, Builder) {
    let base = BaseImage::after("rm -f \"$(command -v tar)\"");
    let assemble = "#!/bin/sh\ncd /tmp\nfor f in src/* artifacts/d/*; do\n\
                    [ ! -e \"$f\" ] || stat -c '%A %u %g %n' \"$f\"\ndone\n\
                    cat artifacts/d/kept 2>/dev/null\nrm src/gone\nexit ${STATUS:-0}\n";
    let builder = Builder::new()
        .base(base.name())
        .script("assemble", assemble)
        .script("run", "#!/bin/sh\necho ran\n")
        .script("save-artifacts", "#!/bin/sh\ncat /app/artifacts.tar\n")
        .bytes("app/artifacts.tar", 0o644, &artifacts());
    (base, with(builder).make())
}

#[test]
fn the_engine_unpacks_and_the_source_is_removed_as_ever() {
    let (_base, builder) = builder(|builder| builder.user("1234:55", 1234, 55));
    let project = Project::new().file("a", "").file("gone", "").file(".s2i/bin/run", "#!/bin/sh\necho mine\n");
    project.chmod("a", 0o4711);
    let outcome = project.build(&builder).success();
    outcome.says("-rws--x--x 1234 55 src/a\n").never_says("note:");
    project.build(&builder).success().says("-rw-r----- 1234 55 artifacts/d/kept\n").says("kept");
    assert!(!project.image().has("/tmp/src"));
    assert!(project.image().has("/tmp/artifacts/d/kept"));
    assert_eq!(project.image().run(&[]), "mine");
    project.build(&builder).args(&["-e", "STATUS=3"]).run().status(3);
    assert_eq!(builder.containers_of_builds(), [""; 0]);
}

#[test]
fn what_is_removed_while_it_is_sent_is_not_there() {
    let change = "rm \"$SOURCE/a\"*";
    let stand_in = StandInCli::new(&format!("if [ \"$1 $2\" = 'cp -' ]; then {change}; fi; exec docker \"$@\""));
    let (_base, builder) = builder(|builder| builder);
    // The large file does not fit into the pipe, so the upload is not complete before the engine reads it.
    let project = Project::new().file("gone", "").file("a late", "").file("a's\nfile", "");
    project.write("large", &"x".repeat(1 << 20));
    let run = project.build(&builder).arg("--engine").arg(stand_in.path()).env("SOURCE", project.path());
    let outcome = run.success();
    outcome.says("0 0 src/gone\n").says("src/large").never_says("src/a");
}

#[test]
fn a_full_disk_is_told() {
    let (_base, builder) = builder(|builder| builder.instruction("LABEL io.openshift.s2i.destination=/small"));
    let project = Project::new().file("gone", &"x".repeat(3 << 20));
    let volume = unique_name("small");
    docker(&["volume", "create", "--opt", "type=tmpfs", "--opt", "device=tmpfs", "--opt", "o=size=1m", &volume]);
    let run = project.build(&builder).engine_options(&["--volume", &format!("{volume}:/small")]).run();
    docker(&["volume", "rm", &volume]);
    run.status(ENGINE).says("the build container\n").says("no space left on device");
}
