//! The numeric ids of the user that runs scripts. They are needed as owner of the files if the engine unpacks an
//! upload, since it does not do so as that user.

use anyhow::Result;

use super::context::BuildContext;
use super::images::Images;
use crate::engine::copy;
use crate::error::Error;

/// The user id and group id that scripts run with in `container`, a container of the builder.
///
/// # Errors
/// If the image does not define the user or group, or the engine does not answer.
pub fn ids_of_script_user(cx: &BuildContext, images: &Images, container: &str) -> Result<(u32, u32)> {
    let user = script_user(cx, images);
    if let Some(ids) = ids_without_lookup(user) {
        return Ok(ids);
    }
    let read_text = |path| -> Result<String> {
        let content = copy::read_file(&cx.engine, container, path)?.unwrap_or_default();
        Ok(String::from_utf8_lossy(&content).into_owned())
    };
    look_up(user, &read_text("/etc/passwd")?, &read_text("/etc/group")?).ok_or_else(|| {
        Error::engine(format!("the builder's `/etc/passwd` and `/etc/group` have no entry for `{user}`"))
            .hint("give the image a numeric USER (`USER 1001:0`), or name one with `--assemble-user`")
            .into()
    })
}

/// The user that runs scripts, in the form in which the image or an option gives it: `1001`, `1001:0`, `default`, or
/// empty for root.
pub fn script_user<'a>(cx: &BuildContext<'a>, images: &'a Images) -> &'a str {
    cx.job.user_option().or(images.contract.user.as_deref()).unwrap_or(&images.builder.config.user)
}

/// Parses a numeric user id, and a numeric group id if there is one; the group is 0 otherwise. `None` if the user is
/// given by name.
pub fn parse_numeric(user: &str) -> Option<(u32, u32)> {
    let (user, group) = user.split_once(':').unwrap_or((user, "0"));
    let user = if user.is_empty() { "0" } else { user };
    Some((user.parse().ok()?, group.parse().unwrap_or(0)))
}

/// The ids of a user for which the files of the image do not matter; `None` for others. A user id alone is not enough,
/// since the group then comes from `/etc/passwd`.
fn ids_without_lookup(user: &str) -> Option<(u32, u32)> {
    match user.split_once(':') {
        None if user.is_empty() || user == "0" => Some((0, 0)),
        None => None,
        Some((user, group)) => Some((user.parse().ok()?, group.parse().ok()?)),
    }
}

/// Looks up a user and group in the texts of `/etc/passwd` and `/etc/group`, with the rules of the engine: a numeric
/// user without an entry stands for itself, in group 0. `None` if a name has no entry.
fn look_up(user: &str, passwd: &str, group: &str) -> Option<(u32, u32)> {
    let (user, group_name) = user.split_once(':').map_or((user, None), |(user, group)| (user, Some(group)));
    let entry = entries(passwd).find(|fields| fields[0] == user || fields[2] == user);
    let (uid, primary) = match entry {
        Some(fields) => (fields[2].parse().ok()?, fields.get(3).and_then(|gid| gid.parse().ok()).unwrap_or(0)),
        None => (user.parse().ok()?, 0),
    };
    let gid = match group_name {
        None => primary,
        Some(name) => match entries(group).find(|fields| fields[0] == name) {
            Some(fields) => fields[2].parse().ok()?,
            None => name.parse().ok()?,
        },
    };
    Some((uid, gid))
}

/// The fields of each line that has enough of them.
fn entries(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines().map(|line| line.split(':').collect::<Vec<_>>()).filter(|fields| fields.len() > 2)
}

#[cfg(test)]
mod tests {
    use super::{ids_without_lookup, look_up};

    #[test]
    fn numeric_users_with_a_group_need_no_lookup() {
        assert_eq!(ids_without_lookup(""), Some((0, 0)));
        assert_eq!(ids_without_lookup("1001:7"), Some((1001, 7)));
        // The group comes from `/etc/passwd`.
        assert_eq!(ids_without_lookup("1001"), None);
        assert_eq!(ids_without_lookup("app:7"), None);
    }

    #[test]
    fn names_are_found_in_the_images_files() {
        let passwd = "root:x:0:0::/:/sh\nbroken\napp:x:1001:7::/:/sh\n";
        let group = "root:x:0:\nstaff:x:50:app\n";
        let look_up = |user| look_up(user, passwd, group);
        assert_eq!(look_up("app"), Some((1001, 7)));
        assert_eq!(look_up("1001"), Some((1001, 7)));
        assert_eq!(look_up("1002"), Some((1002, 0)));
        assert_eq!(look_up("app:staff"), Some((1001, 50)));
        assert_eq!(look_up("app:9"), Some((1001, 9)));
        assert_eq!(look_up("5:staff"), Some((5, 50)));
        assert_eq!(look_up("none"), None);
        assert_eq!(look_up("app:none"), None);
    }
}
