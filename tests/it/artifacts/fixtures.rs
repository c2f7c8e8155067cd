//! An `assemble` that makes artifacts and shows those it is given.

/// The `save-artifacts` that passes `/tmp/kept` on as an archive.
pub const AS_TAR: &str = "tar -C /tmp/kept -cf - .";

/// An `assemble` that makes something in `/tmp/kept`, and shows what it finds in `/tmp/artifacts`.
pub fn assemble_script(make: &str, show: &str) -> String {
    format!(
        "mkdir -p /tmp/kept\ncd /tmp/kept\n{make}\nif [ -e /tmp/artifacts ]; then cd /tmp/artifacts\n{show}\nchmod -R u+w .; rm -rf /tmp/artifacts\nfi"
    )
}
