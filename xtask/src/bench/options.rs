//! What can be asked of a bench.

use anyhow::{Context, Result, bail, ensure};

use super::run::row::Row as RunRow;
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
    /// Rows of `bench run` to measure; all when there are none.
    pub run_rows: Vec<RunRow>,
    /// Through how many saves a client of `bench run` asks all the time.
    pub saves: Option<usize>,
    /// Install `watchexec` for the baseline.
    pub install: bool,
}

impl Options {
    /// What was typed after `bench build` or, which take more, the other benches.
    pub fn parse(bench: &str, args: &[String]) -> Result<Self> {
        let mut options = Self::default();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value = || args.next().with_context(|| format!("`{arg}` takes a value"));
            match (bench, arg.as_str()) {
                ("build" | "watch" | "run" | "remote" | "start", "--rounds") => {
                    options.rounds = Some(number(arg, value()?)?)
                }
                ("build" | "watch" | "run" | "remote" | "scale", engine_choice::AS_IS) => options.engine_as_is = true,
                ("watch", "--only") => options.only = rows(value()?)?,
                ("scale", "--only") => options.cases = cases(value()?)?,
                ("scale", "--most") => options.most = Some(value()?.parse().context("`--most` takes a number")?),
                ("run", "--only") => options.run_rows = run_rows(value()?)?,
                ("run", "--saves") => options.saves = Some(number(arg, value()?)?),
                ("watch" | "run", "--install") => options.install = true,
                _ => bail!("`bench {bench}` has no option `{arg}`; it has {}", known(bench)),
            }
        }
        Ok(options)
    }
}

fn known(bench: &str) -> &'static str {
    match bench {
        "watch" => "`--rounds N`, `--only ROW,...`, `--engine-as-is` and `--install`",
        "run" => "`--rounds N`, `--saves N`, `--only ROW,...`, `--engine-as-is` and `--install`",
        "scale" => "`--only CASE,...`, `--most N` and `--engine-as-is`",
        "start" => "`--rounds N`",
        _ => "`--rounds N` and `--engine-as-is`",
    }
}

fn number(option: &str, text: &str) -> Result<usize> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.with_context(|| format!("`{option}` takes a number from 1 on"))
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

fn run_rows(text: &str) -> Result<Vec<RunRow>> {
    let row = |name: &str| {
        let known = || RunRow::ALL.map(RunRow::name).join(", ");
        let row = RunRow::ALL.into_iter().find(|row| row.name() == name);
        row.with_context(|| format!("no row `{name}`; there are {}", known()))
    };
    text.split(',').map(row).collect()
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
    use super::{Options, Row, RunRow};

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
    fn each_bench_has_its_own_rows() {
        let options = parse("run", "--only save,requests --saves 5 --rounds 9").unwrap();
        assert_eq!(options.run_rows, [RunRow::Save, RunRow::Requests]);
        assert_eq!((options.saves, options.rounds), (Some(5), Some(9)));
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for (bench, line) in [
            ("build", "--only pair"),
            ("build", "--install"),
            ("start", "--engine-as-is"),
            ("watch", "--rounds"),
            ("watch", "--rounds 0"),
            ("watch", "--only nothing"),
            ("watch", "--only save"),
            ("watch", "--saves 5"),
            ("run", "--only pair"),
            ("run", "--saves 0"),
        ] {
            assert!(parse(bench, line).is_err(), "bench {bench} {line}");
        }
    }
}
