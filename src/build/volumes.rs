//! What gets lost in the volumes of a builder: a commit takes nothing of them.

use super::Ground;
use super::scripts::Chosen;
use crate::report::Reporter;

/// Says what the image will lack.
pub fn tell(ground: &Ground, scripts: &Chosen, reporter: &Reporter) {
    let builder = &ground.builder;
    if let Some(volume) = builder.volume(&scripts.run) {
        reporter.note(&format!(
            "`{}` does not get into the image, since {volume} is a VOLUME of the builder: the image will not start by \
             itself; `--destination DIR` sends it elsewhere",
            scripts.run
        ));
    }
    let workdir = &builder.config.working_dir;
    if let Some(volume) = builder.volume(workdir).filter(|_| !workdir.is_empty()) {
        reporter.warn(&format!(
            "what `assemble` leaves in {workdir} does not get into the image, since {volume} is a VOLUME of the builder"
        ));
    }
}
