//! Who a user of an image is, in numbers, for uploads that the engine unpacks and not that user.

use anyhow::Result;

use super::context::BuildContext;
use super::images::Images;
use crate::engine::copy;
use crate::error::Error;

/// User and group that scripts run as in a container of the builder.
///
/// # Errors
/// A name that the image does not know.
pub fn of_scripts(cx: &BuildContext, images: &Images, container: &str) -> Result<(u32, u32)> {
    let user = name(cx, images);
    if let Some(owner) = in_numbers(user) {
        return Ok(owner);
    }
    let text = |path| -> Result<String> {
        let content = copy::read_file(&cx.engine, container, path)?.unwrap_or_default();
        Ok(String::from_utf8_lossy(&content).into_owned())
    };
    look_up(user, &text("/etc/passwd")?, &text("/etc/group")?).ok_or_else(|| {
        Error::engine(format!("nobody in the builder's `/etc/passwd` and `/etc/group` is `{user}`"))
            .hint("give the image a numeric USER (`USER 1001:0`), or name one with `--assemble-user`")
            .into()
    })
}

/// The user that scripts run as, as the image or an option names it.
pub fn name<'a>(cx: &BuildContext<'a>, images: &'a Images) -> &'a str {
    cx.job.user_option().or(images.contract.user.as_deref()).unwrap_or(&images.builder.config.user)
}

/// User and group as far as they are numbers; the group matters less.
pub fn number(user: &str) -> Option<(u32, u32)> {
    let (user, group) = user.split_once(':').unwrap_or((user, "0"));
    let user = if user.is_empty() { "0" } else { user };
    Some((user.parse().ok()?, group.parse().unwrap_or(0)))
}

/// A user that needs no looking up.
fn in_numbers(user: &str) -> Option<(u32, u32)> {
    match user.split_once(':') {
        None if user.is_empty() || user == "0" => Some((0, 0)),
        None => None,
        Some((user, group)) => Some((user.parse().ok()?, group.parse().ok()?)),
    }
}

/// As the engine does it: a number that has no entry is itself, in group 0.
fn look_up(user: &str, passwd: &str, group: &str) -> Option<(u32, u32)> {
    let (user, of_group) = user.split_once(':').map_or((user, None), |(user, group)| (user, Some(group)));
    let entry = lines(passwd).find(|fields| fields[0] == user || fields[2] == user);
    let (uid, primary) = match entry {
        Some(fields) => (fields[2].parse().ok()?, fields.get(3).and_then(|gid| gid.parse().ok()).unwrap_or(0)),
        None => (user.parse().ok()?, 0),
    };
    let gid = match of_group {
        None => primary,
        Some(name) => match lines(group).find(|fields| fields[0] == name) {
            Some(fields) => fields[2].parse().ok()?,
            None => name.parse().ok()?,
        },
    };
    Some((uid, gid))
}

fn lines(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines().map(|line| line.split(':').collect::<Vec<_>>()).filter(|fields| fields.len() > 2)
}

#[cfg(test)]
mod tests {
    use super::{in_numbers, look_up};

    #[test]
    fn numbers_need_no_looking_up() {
        assert_eq!(in_numbers(""), Some((0, 0)));
        assert_eq!(in_numbers("1001:7"), Some((1001, 7)));
        // Its group is its entry's.
        assert_eq!(in_numbers("1001"), None);
        assert_eq!(in_numbers("app:7"), None);
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
