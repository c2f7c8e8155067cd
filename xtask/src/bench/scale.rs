//! How time and memory grow with what there is: files, events, entries, variables and lines, each with ten times as many
//! again and again.

mod build_cases;
pub mod burst;
pub mod case;
mod context;
mod growth;
mod measured;
mod watch_cases;

use anyhow::{Result, bail};

use super::options::Options;
use crate::{base_image, program, signals};
use case::Case;
use context::Bench;
use growth::Growth;

/// Measures every case, prints the table, and fails when something grows faster than the work.
pub fn bench(options: &Options) -> Result<()> {
    base_image::ensure()?;
    program::build(false)?;
    let bench = Bench::new()?;
    let mut growths = Vec::new();
    let is_wanted = |name| options.cases.is_empty() || options.cases.contains(&name);
    for case in Case::ALL.iter().filter(|case| is_wanted(case.name)) {
        eprintln!("{}", case.name);
        let sizes = case.sizes.iter().filter(|size| options.most.is_none_or(|most| **size <= most));
        let mut growth = Growth { case, measured: Vec::new() };
        for size in sizes {
            bench.objects.wait_until_removed()?;
            let measured = (case.measure)(&bench, *size)?;
            eprintln!("  {size}: {measured}");
            growth.measured.push((*size, measured));
            signals::check()?;
        }
        growths.push(growth);
    }
    growth::print(&growths);
    let burst_holds = if is_wanted(burst::NAME) { burst::holds(&bench)? } else { true };
    match growths.iter().filter(|growth| !growth.holds()).count() + usize::from(!burst_holds) {
        0 => Ok(()),
        broken => bail!("{broken} of the bars did not hold"),
    }
}
