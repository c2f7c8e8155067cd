//! The package for Fedora, RHEL, openSUSE and their relatives.

use anyhow::{Context, Result};
use rpm::{BuildConfig, CompressionType, Dependency, FileOptions, PackageBuilder};

use super::elf::GlibcVersion;
use super::file::File;
use super::package::{NAME, Package};

/// Where zsh looks for completions of packages there.
const ZSH_FOLDER: &str = "usr/share/zsh/site-functions";

/// The first package of a version.
const RELEASE: &str = "1";

/// The package: its file name and its bytes.
///
/// # Errors
/// When a file cannot be in a package.
pub fn rpm(package: &Package, glibc: GlibcVersion) -> Result<(String, Vec<u8>)> {
    let (version, processor) = (package.version.as_str(), package.processor());
    let mut builder = PackageBuilder::new(NAME, version, &package.licence, processor, &package.description);
    let config = BuildConfig::default().compression(CompressionType::Gzip).source_date(package.epoch);
    // The name of the machine would be in the package otherwise.
    builder.using_config(config).build_host("localhost").release(RELEASE).description(&package.description);
    for file in package.system_files(ZSH_FOLDER)? {
        let options = options(&file);
        let options = if file.path.starts_with("usr/share/doc/") { options.doc() } else { options };
        builder.with_file_contents(file.content, options)?;
    }
    let mut licences = package.own_licences().to_vec();
    licences.push(File::data("THIRD-PARTY-LICENCES.txt.gz", package.crate_licences()?));
    for file in licences {
        let file = File { path: format!("usr/share/licenses/{NAME}/{}", file.path), ..file };
        let options = options(&file).license();
        builder.with_file_contents(file.content, options)?;
    }
    for library in package.libraries.iter().filter(|library| !library.starts_with("ld-linux")) {
        builder.requires(Dependency::any(format!("{library}()(64bit)")));
    }
    builder.requires(Dependency::any(format!("libc.so.6(GLIBC_{glibc})(64bit)")));
    builder.recommends(Dependency::any("git")).recommends(Dependency::any("ca-certificates"));
    let mut bytes = Vec::new();
    builder.build().and_then(|package| package.write(&mut bytes)).context("cannot make the .rpm")?;
    Ok((format!("{NAME}-{version}-{RELEASE}.{processor}.rpm"), bytes))
}

fn options(file: &File) -> rpm::FileOptionsBuilder {
    let mode = u16::try_from(file.mode).expect("the bits of a mode are few");
    FileOptions::new(format!("/{}", file.path)).permissions(mode)
}
