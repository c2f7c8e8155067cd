//! Lengths of time, as they are typed.

use std::time::Duration;

use jiff::SignedDuration;

pub const HOUR: Duration = Duration::from_secs(60 * 60);

/// Parses a length of time with its unit.
pub fn duration(text: &str) -> Result<Duration, String> {
    let parsed: Result<SignedDuration, _> = text.parse();
    let parsed = parsed.ok().and_then(|duration| Duration::try_from(duration).ok());
    parsed.ok_or_else(|| "a time is a number with a unit: `50ms`, `1.5s`, `1m`".to_owned())
}

/// Parses the time that is waited for something. A longer one would be past the end of some clocks.
pub fn waiting_time(text: &str) -> Result<Duration, String> {
    let time = duration(text)?;
    if time > 24 * HOUR { Err("it can be at most 24h".to_owned()) } else { Ok(time) }
}

/// Parses the time since something was used, for which days have a unit, too.
pub fn age(text: &str) -> Result<Duration, String> {
    let days = text.strip_suffix('d').and_then(|days| days.parse::<u32>().ok());
    days.map_or_else(
        || duration(text).map_err(|_| "a time looks like `12h` or `30d`".to_owned()),
        |days| Ok(24 * HOUR * days),
    )
}
