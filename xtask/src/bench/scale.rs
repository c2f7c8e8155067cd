//! How time and memory grow with what there is: files, events, entries, variables and lines, each with ten times as many
//! again and again.

mod build_cases;
pub mod case;
mod growth;
mod measured;
mod watch_cases;

use anyhow::{Result, bail, ensure};

use super::builder_image;
use super::engine_objects::EngineObjects;
use super::options::Options;
use crate::{base_image, process, signals};
use case::Case;
use growth::Growth;

/// What the cases share.
pub struct Bench {
    objects: EngineObjects,
    builder: String,
}

/// Measures every case, prints the table, and fails when something grows faster than the work.
pub fn bench(options: &Options) -> Result<()> {
    base_image::ensure()?;
    process::echo_and_run(&["cargo", "build", "--quiet", "--release", "--package", "minis2i"])?;
    let mut objects = EngineObjects::new();
    let builder = objects.builder("scale");
    builder_image::build(&builder, &builder_text())?;
    let bench = Bench { objects, builder };
    let mut growths = Vec::new();
    for case in Case::ALL.iter().filter(|case| options.cases.is_empty() || options.cases.contains(&case.name)) {
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
    ensure!(!growths.is_empty(), "there is nothing to measure");
    growth::print(&growths);
    match growths.iter().filter(|growth| !growth.holds()).count() {
        0 => Ok(()),
        broken => bail!("{broken} of the bars did not hold"),
    }
}

/// A builder whose `assemble` does what a case needs: it prints the file `marker`, many lines, or a long one, and it makes
/// artifacts, all by files and variables of the source.
fn builder_text() -> String {
    let assemble = "#!/bin/sh\\n\
        if [ -e /tmp/src/marker ]; then cat /tmp/src/marker; fi\\n\
        [ -z \"$LINES_TO_PRINT\" ] || seq $LINES_TO_PRINT\\n\
        [ -z \"$BYTES_TO_PRINT\" ] || { head -c $BYTES_TO_PRINT /dev/zero | tr \"\\\\\\\\0\" x; echo; }\\n\
        if [ -n \"$FILES_TO_KEEP\" ]; then mkdir -p /kept && cd /kept && seq $FILES_TO_KEEP | xargs touch; fi\\n";
    let save = "#!/bin/sh\\n[ ! -d /kept ] || exec tar -C /kept -cf - .\\n";
    format!(
        "FROM {}\nLABEL io.openshift.s2i.scripts-url=image:///s2i\nRUN mkdir /s2i && cd /s2i && \
         printf '{assemble}' >assemble && printf '{save}' >save-artifacts && printf '#!/bin/sh\\n' >run && \
         chmod 755 assemble save-artifacts run\n",
        base_image::NAME
    )
}
