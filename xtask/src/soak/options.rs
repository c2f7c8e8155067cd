//! What can be asked of the soak.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::engine_choice;

/// How long it takes by default.
const MINUTES: f64 = 2.0;

/// The options of the soak.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    pub minutes: f64,
    /// Random when it is not given.
    pub seed: Option<u64>,
    /// End after so many operations, whenever that is.
    pub operations: Option<u64>,
    /// Test `target/debug/minis2i`.
    pub debug: bool,
    /// Use the engine at hand, and leave the faults of the daemon out.
    pub engine_as_is: bool,
    /// The process of the daemon, which is ours: how a run on a private engine is told of it.
    pub daemon: Option<u32>,
}

impl Options {
    pub fn parse(args: &[String]) -> Result<Self> {
        let (seed, operations, daemon) = (None, None, None);
        let mut options = Self { minutes: MINUTES, seed, operations, debug: false, engine_as_is: false, daemon };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value = || args.next().with_context(|| format!("`{arg}` takes a value"));
            match arg.as_str() {
                "--minutes" => options.minutes = minutes(value()?)?,
                "--seed" => options.seed = Some(value()?.parse().context("`--seed` takes a number")?),
                "--operations" => {
                    options.operations = Some(value()?.parse().context("`--operations` takes a number")?);
                }
                "--debug" => options.debug = true,
                engine_choice::AS_IS => options.engine_as_is = true,
                "--daemon" => options.daemon = Some(value()?.parse().context("`--daemon` takes a process id")?),
                _ => bail!(
                    "`soak` has no option `{arg}`; it has `--minutes N`, `--seed N`, `--operations N`, `--debug` and \
                     `--engine-as-is`"
                ),
            }
        }
        Ok(options)
    }

    /// How long the soak goes on, at most.
    pub fn time(&self) -> Duration {
        if self.operations.is_some() { Duration::MAX } else { Duration::from_secs_f64(self.minutes * 60.0) }
    }
}

fn minutes(text: &str) -> Result<f64> {
    let number: f64 = text.parse().context("`--minutes` takes a number")?;
    ensure!(number > 0.0 && number <= 10_000.0, "`--minutes` takes a number above 0");
    Ok(number)
}

#[cfg(test)]
mod tests {
    use super::Options;

    fn parse(line: &str) -> anyhow::Result<Options> {
        let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Options::parse(&args)
    }

    #[test]
    fn options_come_in_any_order() {
        let options = parse("--seed 7 --debug --minutes 0.5").unwrap();
        assert_eq!((options.seed, options.debug, options.time().as_secs()), (Some(7), true, 30));
        assert_eq!(parse("").unwrap().time().as_secs(), 120);
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for line in ["--minutes", "--minutes 0", "--minutes NaN", "--seed x", "--rounds 3"] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
