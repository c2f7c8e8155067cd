//! What can be asked of a bench.

use anyhow::{Context, Result, bail, ensure};

use super::scale::burst;
use super::scale::case::Case;
use super::watch::row::Row;
use crate::engine_choice;

/// The options of all benches.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// How many turns count; each bench has a default of its own.
    pub rounds: Option<usize>,
    /// Rows to measure; all when there are none.
    pub only: Vec<Row>,
    /// Measure on the engine at hand, even where its commits can not be timed.
    pub engine_as_is: bool,
    /// Cases of `bench scale` to measure; all when there are none.
    pub cases: Vec<&'static str>,
    /// The largest size to measure.
    pub most: Option<usize>,
    /// Install `watchexec` for the baseline.
    pub install: bool,
}

impl Options {
    /// What was typed after `bench build` or, which takes more, `bench watch`.
    pub fn parse(bench: &str, args: &[String]) -> Result<Self> {
        let mut options = Self::default();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value = || args.next().with_context(|| format!("`{arg}` takes a value"));
            match (bench, arg.as_str()) {
                ("build" | "watch", "--rounds") => options.rounds = Some(rounds(value()?)?),
                (_, engine_choice::AS_IS) => options.engine_as_is = true,
                ("watch", "--only") => options.only = rows(value()?)?,
                ("scale", "--only") => options.cases = cases(value()?)?,
                ("scale", "--most") => options.most = Some(value()?.parse().context("`--most` takes a number")?),
                ("watch", "--install") => options.install = true,
                _ => bail!("`bench {bench}` has no option `{arg}`; it has {}", known(bench)),
            }
        }
        Ok(options)
    }
}

fn known(bench: &str) -> &'static str {
    match bench {
        "watch" => "`--rounds N`, `--only ROW,...`, `--engine-as-is` and `--install`",
        "scale" => "`--only CASE,...`, `--most N` and `--engine-as-is`",
        _ => "`--rounds N` and `--engine-as-is`",
    }
}

fn rounds(text: &str) -> Result<usize> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.context("`--rounds` takes a number from 1 on")
}

fn rows(text: &str) -> Result<Vec<Row>> {
    let row = |name: &str| {
        let known = || Row::ALL.map(Row::name).join(", ");
        Row::ALL
            .into_iter()
            .find(|row| row.name() == name)
            .with_context(|| format!("no row `{name}`; there are {}", known()))
    };
    let rows = text.split(',').map(row).collect::<Result<Vec<_>>>()?;
    ensure!(!rows.is_empty(), "`--only` takes names of rows");
    Ok(rows)
}

fn cases(text: &str) -> Result<Vec<&'static str>> {
    let case = |name: &str| {
        let names = || Case::ALL.iter().map(|case| case.name).chain([burst::NAME]);
        let known = || names().collect::<Vec<_>>().join(", ");
        names().find(|known| *known == name).with_context(|| format!("no case `{name}`; there are {}", known()))
    };
    text.split(',').map(case).collect()
}

#[cfg(test)]
mod tests {
    use super::{Options, Row};

    fn parse(bench: &str, line: &str) -> anyhow::Result<Options> {
        let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Options::parse(bench, &args)
    }

    #[test]
    fn options_come_in_any_order() {
        let options = parse("watch", "--engine-as-is --only pair,idle --rounds 3").unwrap();
        assert_eq!(options.only, [Row::Pair, Row::Idle]);
        assert_eq!((options.rounds, options.engine_as_is, options.install), (Some(3), true, false));
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for (bench, line) in [
            ("build", "--only pair"),
            ("build", "--install"),
            ("watch", "--rounds"),
            ("watch", "--rounds 0"),
            ("watch", "--only nothing"),
        ] {
            assert!(parse(bench, line).is_err(), "bench {bench} {line}");
        }
    }
}
