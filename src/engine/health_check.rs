//! The health check of an image, as `docker image inspect` describes it.

use std::time::Duration;

use serde::Deserialize;

/// A health check. Durations are in nanoseconds; what is 0 has the default of the engine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct HealthCheck {
    /// `CMD` and the words of a command, `CMD-SHELL` and a text for the shell, `NONE`, or nothing.
    test: Option<Vec<String>>,
    interval: u64,
    timeout: u64,
    start_period: u64,
    start_interval: u64,
    retries: u64,
}

impl HealthCheck {
    /// The words of the command that it runs; `None` if it runs nothing. `shell` is the SHELL of the image, which may be empty.
    pub fn command(&self, shell: &[String]) -> Option<Vec<String>> {
        let (kind, words) = self.test.as_deref()?.split_first()?;
        match (kind.as_str(), words) {
            ("CMD", [_, ..]) => Some(words.to_vec()),
            ("CMD-SHELL", [text]) => {
                let default = ["/bin/sh", "-c"].map(str::to_owned);
                let shell = if shell.is_empty() { &default } else { shell };
                Some([shell, std::slice::from_ref(text)].concat())
            }
            _ => None,
        }
    }

    /// How long its command may take, if it sets a limit.
    pub fn limit(&self) -> Option<Duration> {
        (self.timeout > 0).then(|| Duration::from_nanos(self.timeout))
    }

    /// The instruction of a Dockerfile that sets it; `None` if it runs nothing. `shell` is the SHELL of the image, which may
    /// be empty.
    pub fn instruction(&self, shell: &[String]) -> Option<String> {
        let (kind, words) = self.test.as_deref()?.split_first()?;
        let command = match (kind.as_str(), words) {
            ("CMD", [_, ..]) => exec_form(words),
            ("CMD-SHELL", [text]) if is_one_line(text) => text.clone(),
            ("CMD-SHELL", [text]) => {
                let default = ["/bin/sh", "-c"].map(str::to_owned);
                let shell = if shell.is_empty() { &default } else { shell };
                exec_form(&[shell, std::slice::from_ref(text)].concat())
            }
            _ => return None,
        };
        let durations = [
            ("interval", self.interval),
            ("timeout", self.timeout),
            ("start-period", self.start_period),
            ("start-interval", self.start_interval),
        ];
        let set = durations.iter().filter(|(_, nanos)| *nanos > 0);
        let mut options: String = set.map(|(name, nanos)| format!("--{name}={nanos}ns ")).collect();
        if self.retries > 0 {
            options.push_str(&format!("--retries={} ", self.retries));
        }
        Some(format!("HEALTHCHECK {options}CMD {command}"))
    }
}

/// Whether an instruction takes the text for what it is: one line, which is no list of words.
fn is_one_line(text: &str) -> bool {
    let is_list = serde_json::from_str::<Vec<String>>(text).is_ok();
    !text.is_empty() && text.trim() == text && !text.contains(['\n', '\r']) && !text.ends_with('\\') && !is_list
}

fn exec_form(words: &[String]) -> String {
    serde_json::to_string(words).expect("strings can be written as JSON")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::HealthCheck;

    fn instruction(check: Value) -> Option<String> {
        serde_json::from_value::<HealthCheck>(check).unwrap().instruction(&[])
    }

    #[test]
    fn all_fields_are_set_again() {
        let check = json!({
            "Test": ["CMD", "a", "b \"c"], "Interval": 1, "Timeout": 2, "StartPeriod": 3, "StartInterval": 4, "Retries": 5,
        });
        let options = "--interval=1ns --timeout=2ns --start-period=3ns --start-interval=4ns --retries=5";
        assert_eq!(instruction(check).unwrap(), format!(r#"HEALTHCHECK {options} CMD ["a","b \"c"]"#));
    }

    #[test]
    fn a_text_for_the_shell_stays_one_where_it_can() {
        let shell = |text: &str| instruction(json!({"Test": ["CMD-SHELL", text]})).unwrap();
        assert_eq!(shell("[ -f $A ] || exit 1"), "HEALTHCHECK CMD [ -f $A ] || exit 1");
        for text in ["a\nb", " a", "a \\", "[\"a\"]"] {
            let words = json!(["/bin/sh", "-c", text]);
            assert_eq!(shell(text), format!("HEALTHCHECK CMD {words}"));
        }
    }

    #[test]
    fn what_runs_nothing_is_no_instruction() {
        for check in [json!({"Test": ["NONE"]}), json!({"Test": null}), json!({}), json!({"Test": ["CMD"]})] {
            assert_eq!(instruction(check), None);
        }
    }
}
