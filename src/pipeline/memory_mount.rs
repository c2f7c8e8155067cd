//! The option `--source-in-memory`: a tmpfs that is mounted on the folder for the source.

use anyhow::Result;

use super::context::BuildContext;
use super::images::Images;
use super::user_ids;
use crate::contract::image_path::join;
use crate::engine::dialect::Dialect;
use crate::error::Error;
use crate::settings::Transfer;

/// The options of `docker run` that mount the tmpfs; none if the job does not ask for it.
///
/// # Errors
/// If the user that runs scripts is not given by number: docker's tmpfs needs a numeric owner before the container runs.
pub fn memory_options(cx: &BuildContext, images: &Images) -> Result<Vec<String>> {
    if cx.job.transfer != Transfer::Memory {
        return Ok(Vec::new());
    }
    let user = user_ids::script_user(cx, images);
    let Some(owner) = owner(images.builder.dialect, user) else {
        return Err(Error::engine(format!("`--source-in-memory` does not work with the builder's user `{user}`"))
            .hint("a numeric user is needed: set one in the image (`USER 1001:0`), or name one with `--assemble-user`")
            .into());
    };
    let path = join(&images.contract.destination, "src");
    Ok(vec!["--tmpfs".to_owned(), format!("{path}:exec,mode=0755,{owner}")])
}

/// The option of the tmpfs that gives it to the user that runs scripts; `None` if that has to be a number, and is not.
fn owner(dialect: Dialect, user: &str) -> Option<String> {
    if dialect.is_podman() {
        // It refuses numbers there, and knows the user.
        return Some("U".to_owned());
    }
    user_ids::parse_numeric(user).map(|(uid, gid)| format!("uid={uid},gid={gid}"))
}

#[cfg(test)]
mod tests {
    use super::owner;
    use crate::engine::dialect::Dialect;

    #[test]
    fn podman_refused_the_owner_of_a_source_in_memory() {
        assert_eq!(owner(Dialect::Podman, "1001:0").as_deref(), Some("U"));
        assert_eq!(owner(Dialect::Podman, "app").as_deref(), Some("U"));
        assert_eq!(owner(Dialect::Docker, "1001:0").as_deref(), Some("uid=1001,gid=0"));
        assert_eq!(owner(Dialect::Docker, "app"), None);
    }
}
