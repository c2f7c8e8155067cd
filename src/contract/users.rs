//! The value of `--allowed-uids`: which users may run scripts, for example `1-`.

/// UidRanges of user ids, both ends included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UidRanges(Vec<(u32, u32)>);

impl UidRanges {
    /// Parses a comma-separated list of `FROM-TO`, `FROM-`, `-TO` or `USER`.
    ///
    /// # Errors
    /// If a part of the list is no range of numbers. The error is the end of a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        text.split(',').map(|part| parse_range(part.trim())).collect::<Result<_, _>>().map(Self)
    }

    /// Why `user` (`1001`, `1001:0`, `default`) is not allowed, as the end of a sentence; `None` if it is allowed.
    pub fn objection(&self, user: &str) -> Option<String> {
        let name = user.split(':').next().unwrap_or(user);
        match name.parse::<u32>() {
            Ok(uid) if self.0.iter().any(|(from, to)| (*from..=*to).contains(&uid)) => None,
            Ok(uid) => Some(format!("{uid}, which is not allowed")),
            Err(_) if name.is_empty() => Some("root, since no USER is set".to_owned()),
            Err(_) => Some(format!("`{name}`, a name whose numeric id is not known")),
        }
    }
}

/// Parses one part of the list.
fn parse_range(part: &str) -> Result<(u32, u32), String> {
    let number = |text: &str| text.parse::<u32>().map_err(|_| format!("`{text}` in it is no numeric user"));
    let (from, to) = match part.split_once('-') {
        None => (number(part)?, number(part)?),
        Some(("", "")) => return Err("the range `-` has no start and no end".to_owned()),
        Some(("", to)) => (0, number(to)?),
        Some((from, "")) => (number(from)?, u32::MAX),
        Some((from, to)) => (number(from)?, number(to)?),
    };
    if from > to { Err(format!("`{part}` in it is the wrong way round")) } else { Ok((from, to)) }
}

#[cfg(test)]
mod tests {
    use super::UidRanges;

    #[test]
    fn users_in_a_range_are_allowed() {
        let allowed = |ranges: &str, user: &str| UidRanges::parse(ranges).unwrap().objection(user).is_none();
        assert!(allowed("1-", "1001:0") && !allowed("1-", "0"));
        assert!(allowed("1000-2000, 3000", "3000") && allowed("1000-2000,3000", "1000"));
        assert!(!allowed("1000-2000,3000", "2001"));
        assert!(allowed("-10", "0") && !allowed("-10", "11"));
    }

    #[test]
    fn names_and_unset_users_are_not_allowed() {
        let ranges = UidRanges::parse("0-").unwrap();
        assert!(ranges.objection("default").unwrap().contains("`default`"));
        assert!(ranges.objection("").unwrap().contains("no USER"));
    }

    #[test]
    fn text_that_is_not_a_range_is_an_error() {
        for text in ["", "x", "1,", "-", "5-1", "1-2-3", "-1-2", "4294967296"] {
            assert!(UidRanges::parse(text).is_err(), "{text}");
        }
    }
}
