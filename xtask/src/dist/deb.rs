//! The package for Debian and its relatives.

use std::fmt::Write;

use anyhow::{Result, bail};
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use jiff::tz::TimeZone;
use md5::{Digest, Md5};

use super::archive::tar;
use super::elf::GlibcVersion;
use super::file::File;
use super::gzip::gzip;
use super::package::{NAME, Package};
use super::sums::hexadecimal;

/// Where Debian's zsh looks for completions of packages.
const ZSH_FOLDER: &str = "usr/share/zsh/vendor-completions";

/// What is put behind the version: the first package of it.
const REVISION: &str = "1";

/// What it is in a line, of the 80 characters that Debian's tools show.
const SYNOPSIS: &str = "make images from source with S2I builder images, again on every save";

/// Who stands in for the package. The domain is one that never exists: there is no address for mail.
const MAINTAINER: &str = "The minis2i developers <minis2i@minis2i.invalid>";

/// The package: its file name and its bytes.
///
/// # Errors
/// When Debian has no name for the processor, or no package for a library.
pub fn deb(package: &Package, glibc: GlibcVersion) -> Result<(String, Vec<u8>)> {
    let architecture = architecture(package.processor())?;
    let mut files = package.system_files(ZSH_FOLDER)?;
    files.push(File::data(format!("usr/share/doc/{NAME}/changelog.Debian.gz"), gzip(changelog(package)?.as_bytes())?));
    files.push(File::data(format!("usr/share/doc/{NAME}/copyright"), copyright(package)));
    files.push(File::data(format!("usr/share/doc/{NAME}/THIRD-PARTY-LICENCES.txt.gz"), package.crate_licences()?));
    let control = [
        File::data("control", control(package, architecture, &depends(package, glibc)?, &files)),
        File::data("md5sums", md5_sums(&files)),
    ];
    let parts = [
        ("debian-binary", b"2.0\n".to_vec()),
        ("control.tar.gz", gzip(&tar(control.into(), "./", package.epoch)?)?),
        ("data.tar.gz", gzip(&tar(files, "./", package.epoch)?)?),
    ];
    let mut archive = ar::Builder::new(Vec::new());
    for (name, bytes) in &parts {
        let mut header = ar::Header::new(name.as_bytes().to_vec(), bytes.len() as u64);
        header.set_mtime(package.epoch.into());
        header.set_mode(0o100_644);
        archive.append(&header, &bytes[..])?;
    }
    Ok((format!("{NAME}_{}_{architecture}.deb", version(package)), archive.into_inner()?))
}

fn version(package: &Package) -> String {
    format!("{}-{REVISION}", package.version)
}

fn architecture(processor: &str) -> Result<&'static str> {
    Ok(match processor {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "riscv64gc" => "riscv64",
        other => bail!("no name of Debian is known for the processor {other}"),
    })
}

/// The packages that have the libraries.
fn depends(package: &Package, glibc: GlibcVersion) -> Result<String> {
    let mut depends = vec![format!("libc6 (>= {glibc})")];
    for library in &package.libraries {
        match library.as_str() {
            "libgcc_s.so.1" => depends.push("libgcc-s1".to_owned()),
            name if ["libc.so.", "libm.so.", "ld-linux"].iter().any(|part| name.starts_with(part)) => {}
            other => bail!("no package of Debian is known for the library {other}"),
        }
    }
    Ok(depends.join(", "))
}

fn control(package: &Package, architecture: &str, depends: &str, files: &[File]) -> String {
    let kib: usize = files.iter().map(|file| file.content.len().div_ceil(1024)).sum();
    format!(
        "Package: {NAME}\n\
         Version: {version}\n\
         Architecture: {architecture}\n\
         Maintainer: {MAINTAINER}\n\
         Installed-Size: {kib}\n\
         Depends: {depends}\n\
         Recommends: docker-cli | docker.io | docker-ce-cli | podman, ca-certificates, git\n\
         Section: devel\n\
         Priority: optional\n\
         Description: {SYNOPSIS}\n \
         It runs the builder's own scripts, as s2i does, through the engine's command\n \
         line (docker, or podman), sends what changed since the last save, and moves\n \
         the name of the image when the build was good.\n",
        version = version(package),
    )
}

fn md5_sums(files: &[File]) -> String {
    let mut lines: Vec<String> =
        files.iter().map(|file| format!("{}  {}\n", hexadecimal(&Md5::digest(&file.content)), file.path)).collect();
    lines.sort_by(|a, b| a[34..].cmp(&b[34..]));
    lines.concat()
}

/// The changelog of the package itself; that of minis2i is beside it.
fn changelog(package: &Package) -> Result<String> {
    let time = Timestamp::from_second(package.epoch.into())?.to_zoned_datetime(TimeZone::UTC);
    let time = rfc2822::to_string(&time)?;
    let version = version(package);
    Ok(format!("{NAME} ({version}) unstable; urgency=medium\n\n  * See changelog.gz.\n\n -- {MAINTAINER}  {time}\n"))
}

/// The file in which a package of Debian says under which licence it is. Debian has the text of Apache-2.0 itself.
fn copyright(package: &Package) -> String {
    let mut text = format!(
        "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\
         Upstream-Name: {NAME}\n\n\
         Files: *\n\
         Copyright: the minis2i authors\n\
         License: Expat or Apache-2.0\n\
         Comment: the crates in the program have the licences that THIRD-PARTY-LICENCES.txt.gz has.\n\n\
         License: Apache-2.0\n \
         See /usr/share/common-licenses/Apache-2.0.\n\n\
         License: Expat\n"
    );
    for line in String::from_utf8_lossy(&package.mit_licence().content).lines() {
        let line = line.trim_end();
        let _ = writeln!(text, " {}", if line.is_empty() { "." } else { line });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::SYNOPSIS;

    #[test]
    fn the_synopsis_fits() {
        assert!(SYNOPSIS.len() <= 80);
    }
}
