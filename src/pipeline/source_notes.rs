//! Notes and warnings about the source of a build and about the volumes of its builder.

use std::path::Path;
use std::time::Duration;

use super::images::Images;
use super::scripts::ChosenScripts;
use crate::report::Reporter;
use crate::report::topic::Topic;
use crate::source::ignored::largest_ignored;
use crate::source::rules::LinkPolicy;
use crate::source::snapshot::Snapshot;
use crate::source::symlinks::{all_symlinks, symlinks_out};

/// How long adding up the sizes of ignored files may take: chosen so that a folder of a hundred thousand files does not
/// noticeably delay a build.
const TIME_LIMIT: Duration = Duration::from_millis(50);

/// So many faults of ignore rules are named.
const NAMED_FAULTS: usize = 3;

/// Notes which entries of the source are not sent: ignored ones, and those that are neither a file, a folder nor a
/// symlink.
pub fn report_left_out(root: &Path, snapshot: &Snapshot, reporter: &Reporter) {
    let ignored = largest_ignored(root, snapshot, TIME_LIMIT).map(|largest| {
        let count = snapshot.ignored.len();
        let entries = if count == 1 { "1 entry is".to_owned() } else { format!("{count} entries are") };
        let more = if largest.complete { "" } else { "more than " };
        let (size, path) = (indicatif::HumanBytes(largest.bytes), largest.path.display());
        format!("{entries} ignored and not sent, the largest is {path} ({more}{size})")
    });
    reporter.note_about(Topic::IgnoredEntries, ignored.as_deref());
    reporter.warn_about(Topic::IgnoreRules, rule_faults(&snapshot.rule_faults).as_deref());
    let empty = snapshot.entries.iter().all(|entry| entry.is_folder()) && !snapshot.ignored.is_empty();
    let empty = empty.then(|| {
        let by = match &snapshot.emptied_by {
            Some(rule) => format!("the rule `{}` ({}:{})", rule.text, rule.file.display(), rule.line),
            None => "`--exclude`".to_owned(),
        };
        let path = snapshot.ignored[0].display();
        format!(
            "no file of the source is sent: all are ignored, {path} by {by}; `--include GLOB` sends what rules ignore"
        )
    });
    reporter.warn_about(Topic::EmptySource, empty.as_deref());
    let special = snapshot.special.first().map(|first| {
        let count = snapshot.special.len();
        let what = if count == 1 {
            "a socket, FIFO or device is".to_owned()
        } else {
            format!("{count} sockets, FIFOs or devices are")
        };
        format!("{what} left out of the source: {}", first.display())
    });
    reporter.note_about(Topic::SpecialEntries, special.as_deref());
}

/// The warning about what is wrong with the rules, if anything is.
fn rule_faults(faults: &[String]) -> Option<String> {
    let named = faults.get(..faults.len().min(NAMED_FAULTS)).filter(|named| !named.is_empty())?;
    let more = match faults.len() - named.len() {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    Some(format!("{}{more}", named.join("; ")))
}

/// Warns about symlinks that may not point to what the user expects in the container.
pub fn report_symlinks(links: LinkPolicy, snapshot: &Snapshot, reporter: &Reporter) {
    let (unexpected, what): (Vec<_>, _) = match links {
        LinkPolicy::Kept => (
            symlinks_out(snapshot).collect(),
            "points out of the source, so in the builder it means a path there; `--follow-symlinks` sends its target \
             from this machine",
        ),
        LinkPolicy::KeptKnowingly => return,
        LinkPolicy::Followed => (
            all_symlinks(snapshot).collect(),
            "is sent as a link: it points to nothing, or to a folder that contains it",
        ),
    };
    let warning = unexpected.first().map(|(path, target)| {
        let [path, target] = [path, target].map(|bytes| String::from_utf8_lossy(bytes));
        let more = match unexpected.len() - 1 {
            0 => String::new(),
            1 => " (as does 1 more)".to_owned(),
            more => format!(" (as do {more} more)"),
        };
        format!("the link `{path}` -> `{target}` {what}{more}")
    });
    reporter.warn_about(Topic::Symlinks, warning.as_deref());
}

/// Notes and warns if scripts or results are in a volume of the builder: a commit does not include volumes.
pub fn report_volumes(images: &Images, scripts: &ChosenScripts, reporter: &Reporter) {
    let builder = &images.builder;
    let run = builder.volume(&scripts.run).map(|volume| {
        format!(
            "`{}` does not get into the image, since {volume} is a VOLUME of the builder: the image will not start by \
             itself; `--destination DIR` sends it elsewhere",
            scripts.run
        )
    });
    reporter.note_about(Topic::RunInVolume, run.as_deref());
    let workdir = &builder.config.working_dir;
    let result = builder.volume(workdir).filter(|_| !workdir.is_empty()).map(|volume| {
        format!(
            "what `assemble` leaves in {workdir} does not get into the image, since {volume} is a VOLUME of the builder"
        )
    });
    reporter.warn_about(Topic::ResultInVolume, result.as_deref());
}
