//! PAX records: lines of the form `LENGTH KEY=VALUE` before an entry, for what does not fit into its header.

use anyhow::{Result, bail};

/// A record's key and value.
pub type Record = (Vec<u8>, Vec<u8>);

const NANOSECONDS: u32 = 1_000_000_000;

/// Formats one record. Its length includes the digits of the length.
pub fn record(key: &[u8], value: &[u8]) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + rest.to_string().len();
    if length.to_string().len() > rest.to_string().len() {
        length = rest + length.to_string().len();
    }
    let mut record = format!("{length} ").into_bytes();
    record.extend_from_slice(key);
    record.push(b'=');
    record.extend_from_slice(value);
    record.push(b'\n');
    record
}

/// Parses the records before one entry.
///
/// # Errors
/// When the length of a record is wrong, or it has no `=`.
pub fn parse(content: &[u8]) -> Result<Vec<Record>> {
    let mut records = Vec::new();
    let mut rest = content;
    while !rest.is_empty() {
        let record = (|| {
            let space = rest.iter().position(|byte| *byte == b' ')?;
            let length: usize = std::str::from_utf8(&rest[..space]).ok()?.parse().ok()?;
            let record = rest.get(space + 1..length)?.strip_suffix(b"\n")?;
            let equals = record.iter().position(|byte| *byte == b'=')?;
            Some((length, record[..equals].to_vec(), record[equals + 1..].to_vec()))
        })();
        let Some((length, key, value)) = record else { bail!("a record in it is malformed") };
        records.push((key, value));
        rest = &rest[length..];
    }
    Ok(records)
}

/// Formats a time, in seconds and nanoseconds since 1970, as a decimal number of seconds. The nanoseconds count forward
/// from the second, also before 1970.
pub fn format_time((seconds, nanos): (i64, u32)) -> String {
    if seconds < 0 && nanos > 0 {
        format!("-{}.{:09}", -(seconds + 1), NANOSECONDS - nanos)
    } else {
        format!("{seconds}.{nanos:09}")
    }
}

/// Parses a decimal number of seconds, the opposite of [`format_time`]; `None` if it is not one.
pub fn parse_time(value: &[u8]) -> Option<(i64, u32)> {
    let text = std::str::from_utf8(value).ok()?;
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits: String = fraction.chars().chain("000000000".chars()).take(9).collect();
    let (whole, nanos): (i64, u32) = (seconds.parse().ok()?, digits.parse().ok()?);
    let backward = text.starts_with('-') && nanos > 0;
    Some(if backward { (whole.checked_sub(1)?, NANOSECONDS.checked_sub(nanos)?) } else { (whole, nanos) })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{format_time, parse, parse_time, record};

    #[test]
    fn a_record_counts_its_own_length() {
        assert_eq!(record(b"mtime", b"1.5"), b"13 mtime=1.5\n");
        let long = record(b"k", &[b'v'; 94]);
        assert!(long.starts_with(b"101 k=") && long.len() == 101);
    }

    proptest! {
        #[test]
        fn records_and_times_are_read_back(
            key in "[a-z.]{1,20}", value in prop::collection::vec(any::<u8>(), 0..200),
            seconds in -4_000_000_000_i64..4_000_000_000, nanos in 0_u32..1_000_000_000,
        ) {
            let text = record(key.as_bytes(), &value);
            prop_assert_eq!(parse(&text).unwrap(), vec![(key.into_bytes(), value)]);
            prop_assert_eq!(parse_time(format_time((seconds, nanos)).as_bytes()), Some((seconds, nanos)));
        }
    }
}
