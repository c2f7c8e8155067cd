//! What a package has in it, and where that is in an archive and in a system.

use anyhow::{Context, Result};
use jiff::Timestamp;

use super::crates::{self, Crate};
use super::file::File;
use super::gzip::gzip;
use super::program::Program;
use super::{documents, licence_texts, sbom};

/// The name of the program and of its packages.
pub const NAME: &str = "minis2i";

/// The folder of documentation in a system.
const DOC: &str = "usr/share/doc/minis2i";

/// Everything that is packed.
pub struct Package {
    pub version: String,
    pub description: String,
    /// The licence of minis2i itself, as SPDX has it.
    pub licence: String,
    pub target: String,
    /// The time of all files, in seconds since 1970.
    pub epoch: u32,
    /// Shared libraries that the program needs.
    pub libraries: Vec<String>,
    pub sbom: String,
    program: Vec<u8>,
    man_pages: Vec<File>,
    completions: Vec<File>,
    /// The files of the root of the workspace.
    readme: File,
    changelog: File,
    licences: [File; 2],
    docs: Vec<File>,
    /// The licences of all crates in the program.
    crate_licences: String,
}

impl Package {
    /// Collects it.
    ///
    /// # Errors
    /// When a part is missing.
    pub fn new(program: &Program, epoch: u32) -> Result<Self> {
        let crates = crates::crates(&program.target)?;
        let own: &Crate = crates.iter().find(|one| one.name == NAME).context("minis2i is not among the crates")?;
        let time = Timestamp::from_second(epoch.into())?.to_string();
        Ok(Self {
            version: own.version.clone(),
            description: own.description.clone().context("the manifest has no description")?,
            licence: own.licence.clone(),
            target: program.target.clone(),
            epoch,
            libraries: program.facts.libraries.clone(),
            sbom: sbom::sbom(&crates, NAME, &program.bytes, &time),
            program: program.bytes.clone(),
            man_pages: documents::man_pages(program)?,
            completions: documents::completions(program)?,
            readme: documents::of_workspace("README.md")?,
            changelog: documents::of_workspace("CHANGELOG.md")?,
            licences: [documents::of_workspace("LICENSE-APACHE")?, documents::of_workspace("LICENSE-MIT")?],
            docs: documents::docs()?,
            crate_licences: licence_texts::page(
                &crates.into_iter().filter(|one| one.name != NAME).collect::<Vec<_>>(),
            )?,
        })
    }

    /// The name of the folder in the archive, and the beginning of the names of files for one target.
    pub fn folder(&self) -> String {
        folder(&self.version, &self.target)
    }

    pub fn archive_name(&self) -> String {
        format!("{}.tar.gz", self.folder())
    }

    pub fn sbom_name(&self) -> String {
        format!("{}.cdx.json", self.folder())
    }

    /// The first word of the target, such as `x86_64`.
    pub fn processor(&self) -> &str {
        self.target.split('-').next().unwrap_or_default()
    }

    /// The files of the archive.
    pub fn portable_files(&self) -> Vec<File> {
        let mut files = vec![
            File::program(NAME, self.program.clone()),
            self.readme.clone(),
            self.changelog.clone(),
            File::data("THIRD-PARTY-LICENCES.txt", self.crate_licences.clone()),
        ];
        files.extend(self.licences.iter().cloned());
        files.extend(self.docs.iter().cloned());
        files.extend(self.man_pages.iter().map(|page| below("man/man1", page)));
        files.extend(self.completions.iter().map(|script| below("completions", script)));
        files
    }

    /// The files of a system, but for its licences; `zsh_folder` is where that system's zsh looks for completions.
    ///
    /// # Errors
    /// Never, in memory.
    pub fn system_files(&self, zsh_folder: &str) -> Result<Vec<File>> {
        let mut files = vec![
            File::program(format!("usr/bin/{NAME}"), self.program.clone()),
            below(DOC, &self.readme),
            File::data(format!("{DOC}/changelog.gz"), gzip(&self.changelog.content)?),
        ];
        files.extend(self.docs.iter().map(|file| below(DOC, file)));
        for page in &self.man_pages {
            files.push(File::data(format!("usr/share/man/man1/{}.gz", page.path), gzip(&page.content)?));
        }
        // Elvish and PowerShell have no folder for completions of packages.
        for script in &self.completions {
            let place = match script.path.as_str() {
                "minis2i.bash" => format!("usr/share/bash-completion/completions/{NAME}"),
                "_minis2i" => format!("{zsh_folder}/_minis2i"),
                "minis2i.fish" => "usr/share/fish/vendor_completions.d/minis2i.fish".to_owned(),
                _ => continue,
            };
            files.push(File::data(place, script.content.clone()));
        }
        Ok(files)
    }

    /// The licences of minis2i itself, by the names of their files.
    pub fn own_licences(&self) -> &[File] {
        &self.licences
    }

    /// The shorter of them.
    pub fn mit_licence(&self) -> &File {
        &self.licences[1]
    }

    /// The licences of all crates, as a compressed text.
    ///
    /// # Errors
    /// Never, in memory.
    pub fn crate_licences(&self) -> Result<Vec<u8>> {
        gzip(self.crate_licences.as_bytes())
    }
}

fn folder(version: &str, target: &str) -> String {
    format!("{NAME}-{version}-{target}")
}

fn below(folder: &str, file: &File) -> File {
    File { path: format!("{folder}/{}", file.path), ..file.clone() }
}

#[cfg(test)]
mod tests {
    use super::{NAME, folder};

    /// `cargo binstall` fills this in; the names must be those of the files that are made here.
    #[test]
    fn the_manifest_tells_binstall_where_the_program_is() {
        let manifest = include_str!("../../../Cargo.toml");
        let value = |key: &str| {
            let line = manifest.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = \"")).unwrap();
            let value = line.trim_end_matches('"').replace("{ name }", NAME).replace("{ bin }", NAME);
            value.replace("{ version }", "1.2.3").replace("{ target }", "t")
        };
        let folder = folder("1.2.3", "t");
        assert!(value("pkg-url").ends_with(&format!("/v1.2.3/{folder}.tar.gz")));
        assert_eq!(value("bin-dir"), format!("{folder}/{NAME}"));
    }
}
