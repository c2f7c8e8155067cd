//! What the cases of `bench scale` share.

use std::fs;

use anyhow::Result;
use tempfile::TempDir;

use crate::base_image;
use crate::bench::builder_image;
use crate::bench::engine_objects::EngineObjects;

/// What the cases share.
pub struct Bench {
    pub objects: EngineObjects,
    pub builder: String,
}

impl Bench {
    /// Makes the builder.
    pub fn new() -> Result<Self> {
        let mut objects = EngineObjects::new();
        let builder = objects.builder("scale");
        builder_image::build(&builder, &builder_text())?;
        Ok(Self { objects, builder })
    }
}

/// A source of one file.
pub fn small_source() -> Result<TempDir> {
    let source = tempfile::tempdir()?;
    fs::write(source.path().join("file"), "content\n")?;
    Ok(source)
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
