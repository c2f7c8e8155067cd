use std::fs;

use crate::support::builder::Builder;
use crate::support::image::Image;

/// A stand-in for pip: what it "downloads" goes into its cache, unless that is switched off, and into `/app`. With a broken
/// cache it fails.
const PIP: &str = "#!/bin/sh\n\
    cache=${PIP_CACHE_DIR:-$HOME/.cache/pip}\n\
    [ -z \"${PIP_NO_CACHE_DIR-}\" ] || cache=\n\
    if [ -n \"$cache\" ] && [ -f \"$cache/wheel\" ]; then echo cached; else echo downloading\n\
    [ -z \"$cache\" ] || { mkdir -p \"$cache\" && echo wheel >\"$cache/wheel\"; }; fi\n\
    [ -z \"$cache\" ] || [ \"$(cat \"$cache/wheel\")\" = wheel ] || { echo broken; exit 3; }\n\
    echo wheel >/app/wheel\n";

/// A builder with a stand-in for pip, whose image switches the cache off, as those of sclorg do. Its user is 1001.
pub fn python_builder() -> Builder {
    plain_builder("cp -a /tmp/src/. /app/ && pip && if [ -f fail ]; then exit 4; fi")
        .file("usr/bin/pip", 0o755, PIP)
        .instruction("ENV PIP_NO_CACHE_DIR=off")
}

/// A builder with this `assemble`, with `flock`, and with a HOME of its user's, 1001, which is in `/etc/passwd` as well: podman
/// would put a user that is not there into the container's, with another home.
pub fn plain_builder(assemble: &str) -> Builder {
    let users = "root:x:0:0::/root:/bin/sh\napp:x:1001:0::/home/app:/bin/sh\n";
    let builder = Builder::new().user("1001", 1001, 0).folder("home/app", 1001, 0).file("etc/passwd", 0o644, users);
    let builder =
        builder.instruction("ENV HOME=/home/app").script("assemble", &format!("#!/bin/sh\nset -e\n{assemble}\n"));
    match fs::read("/usr/bin/flock") {
        Ok(flock) => builder.bytes("usr/bin/flock", 0o755, &flock),
        // Then the base is one that has it.
        Err(_) => builder,
    }
}

/// Asserts that two images have the same files, but for times, and the same configuration, but for labels.
#[track_caller]
pub fn assert_same(one: &Image, other: &Image) {
    let listing = |image: &Image| {
        let mut files = image.files("/");
        for entry in files.values_mut() {
            entry.mtime.clear();
        }
        let mut config = image.config();
        for field in ["Labels", "Hostname", "Image"] {
            config.as_object_mut().unwrap().remove(field);
        }
        (files, config)
    };
    let (one, other) = (listing(one), listing(other));
    assert_eq!(one.0.keys().collect::<Vec<_>>(), other.0.keys().collect::<Vec<_>>());
    for (path, entry) in &one.0 {
        assert_eq!(Some(entry), other.0.get(path), "{}", path.escape_ascii());
    }
    assert_eq!(one.1, other.1);
}
