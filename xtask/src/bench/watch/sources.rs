//! Sources and builders to watch with.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use tempfile::TempDir;

use super::baseline::Baseline;
use super::context::WatchBench;
use super::edit::Edit;
use super::watch_process::WatchProcess;
use crate::bench::{builder_image, large_source};
use crate::{base_image, process, sample_builder, signals, workspace};

/// The sample pair. Its `assemble` does what it always does, and keeps the file that is saved, too, so that the new
/// image can be seen to hold it.
pub struct SamplePair {
    pub builder: String,
}

/// The file of the sample that is saved, and where the builder keeps it.
const SAVED_FILE: &str = "input.txt";
const KEPT_COPY: &str = "/app/saved.txt";

impl SamplePair {
    pub fn make(bench: &mut WatchBench) -> Result<Self> {
        let (plain, builder) = (bench.objects.builder("watch-plain"), bench.objects.builder("watch-pair"));
        sample_builder::build(&plain)?;
        let script = format!("{}/assemble", sample_builder::SCRIPTS);
        builder_image::build(
            &builder,
            &format!("FROM {plain}\nUSER 0\nRUN echo 'cp /tmp/src/{SAVED_FILE} {KEPT_COPY}' >>{script}\nUSER 1001:0\n"),
        )?;
        Ok(Self { builder })
    }

    /// A copy of the sample source, open to the user of the builder.
    pub fn source() -> Result<TempDir> {
        let folder = tempfile::tempdir()?;
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
        fs::copy(workspace::root().join("testapp").join(SAVED_FILE), folder.path().join(SAVED_FILE))?;
        Ok(folder)
    }

    pub fn edit(source: &TempDir) -> Edit {
        Edit::new(source.path().join(SAVED_FILE), KEPT_COPY, 0)
    }

    /// Watches a source, and does not wait for anything.
    pub fn watch(&self, bench: &WatchBench, source: &TempDir, tag: &str) -> Result<WatchProcess> {
        WatchProcess::start(
            source.path(),
            &self.builder,
            &bench.objects.name(tag),
            Self::edit(source),
            &bench.objects,
            &[],
        )
    }

    /// Has the naive way watch a source.
    pub fn baseline(&self, bench: &WatchBench, source: &TempDir, tag: &str) -> Result<Baseline> {
        let (tag, edit) = (bench.objects.name(tag), Self::edit(source));
        Baseline::start(&bench.trigger, source.path(), &self.builder, &tag, edit, &bench.objects)
    }

    /// Starts a container that is like the one that a build commits: it has assembled and waits. It goes with the
    /// objects. Returns its name.
    pub fn start_assembled_container(&self, bench: &WatchBench) -> Result<String> {
        let name = bench.objects.name("watch-kept");
        let script = format!(
            "mkdir /tmp/src && echo text >/tmp/src/{SAVED_FILE} && {}/assemble && rm -rf /tmp/src && echo done && read wait",
            sample_builder::SCRIPTS
        );
        let options = ["--name", &name, "--label", bench.objects.label(), "--detach", "--interactive"];
        process::output(&[&["docker", "run"], &options[..], &[&self.builder, "/bin/sh", "-c", &script]].concat())?;
        while !process::output(&["docker", "logs", &name])?.contains("done") {
            signals::sleep(std::time::Duration::from_millis(50))?;
        }
        Ok(name)
    }
}

/// 20,000 files of 4 KiB, of which `assemble` takes one.
pub struct LargeSource {
    pub source: TempDir,
    pub builder: String,
}

impl LargeSource {
    pub fn make(bench: &mut WatchBench) -> Result<Self> {
        let builder = bench.objects.builder("watch-tree");
        large_source::make_builder(&builder)?;
        Ok(Self { source: large_source::make()?, builder })
    }

    /// One of its files, which is saved.
    pub fn edit(&self) -> Edit {
        Edit::new(self.source.path().join("folder-0/file-0"), "/kept", large_source::FILE_SIZE)
    }

    /// Watches it with these options, and does not wait for anything.
    pub fn watch(&self, bench: &WatchBench, tag: &str, options: &[&str]) -> Result<WatchProcess> {
        let edit = self.edit();
        WatchProcess::start(self.source.path(), &self.builder, &bench.objects.name(tag), edit, &bench.objects, options)
    }
}

/// A builder that makes artifacts when it finds none, as many MB as the variable `MEGABYTES` says, and moves them into
/// place when it does.
pub fn artifacts_builder(bench: &mut WatchBench) -> Result<String> {
    let name = bench.objects.builder("watch-artifacts");
    let assemble = "#!/bin/sh\\nset -e\\ncp /tmp/src/input.txt /app/saved.txt\\n\
        [ \"$MEGABYTES\" != 0 ] || exit 0\\n\
        if [ -d /tmp/artifacts/big ]; then mv /tmp/artifacts/big /app/big; exit; fi\\n\
        mkdir /app/big\\n\
        for number in $(seq $MEGABYTES); do head -c 1000000 /dev/urandom >/app/big/$number; done\\n";
    let save = "#!/bin/sh\\n[ ! -d /app/big ] || exec tar -C /app -cf - big\\n";
    let text = format!(
        "FROM {}\nLABEL io.openshift.s2i.scripts-url=image:///s2i\nRUN mkdir /s2i /app && chown 1001:0 /app && cd /s2i && \
         printf '{assemble}' >assemble && printf '{save}' >save-artifacts && printf '#!/bin/sh\\n' >run && \
         chmod 755 assemble save-artifacts run\nUSER 1001:0\n",
        base_image::NAME
    );
    builder_image::build(&name, &text)?;
    Ok(name)
}

/// Adds so many small files, a thousand to a folder.
pub fn add_small_files(folder: &Path, files: usize) -> Result<()> {
    for number in 0..files {
        let below = folder.join(format!("folder-{}", number / 1000));
        if number % 1000 == 0 {
            fs::create_dir_all(&below).with_context(|| format!("cannot make {}", below.display()))?;
        }
        fs::write(below.join(format!("file-{number}")), format!("{number}\n"))?;
    }
    Ok(())
}
