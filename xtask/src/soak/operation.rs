//! One change of a source: what it is, and making it.

use std::fmt;
use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::random::Random;

/// A few names only, so that changes concern the same paths.
const NAMES: [&str; 7] = ["a", "b", "c.log", "d", "e", "f", "g.tmp"];
const RULES: [&str; 4] = ["*.log\n", "*.tmp\n!g.tmp\n", "a/\n", "\n"];
const RULE_FILES: [&str; 3] = [".gitignore", ".s2iignore", ".ignore"];
const MODES: [u32; 4] = [0o644, 0o755, 0o600, 0o711];

/// A file of this name in the source makes `assemble` fail.
pub const FAIL: &str = "FAIL";
/// A file of this name in the source has the seconds that `assemble` waits.
pub const SLOW: &str = "SLOW";

/// A change of a tree, which may turn out to be none: the paths are random.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    Write(PathBuf),
    /// Two writes with a moment between them.
    WriteSlowly(PathBuf, Duration),
    WriteSameAgain(PathBuf),
    WriteLarge(PathBuf),
    /// A temporary file and a rename, as editors save.
    Save(PathBuf),
    Touch(PathBuf),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
    RemoveAll(PathBuf),
    MakeFolder(PathBuf),
    /// What is there is replaced by one of the other kind.
    SwapKind(PathBuf),
    Mode(PathBuf, u32),
    Link(PathBuf, &'static str),
    HardLink(PathBuf, PathBuf),
    Socket(PathBuf),
    Rules(PathBuf, &'static str),
    /// So many files in a new folder.
    Burst(PathBuf, u64),
    /// The source is away for a moment.
    MoveRoot(Duration),
    /// The source is removed, and made again with less in it.
    RemakeRoot,
    Fail(bool),
    Slow(Option<Duration>),
}

impl Operation {
    pub fn random(random: &mut Random) -> Self {
        let at = path(random);
        match random.below(100) {
            0..20 => Self::Write(at),
            20..23 => Self::WriteSlowly(at, random.millis(1, 120)),
            23..26 => Self::WriteSameAgain(at),
            26 => Self::WriteLarge(at),
            27..37 => Self::Save(at),
            37..39 => Self::Touch(at),
            39..50 => Self::Rename(at, path(random)),
            50..57 => Self::Remove(at),
            57..62 => Self::RemoveAll(at),
            62..70 => Self::MakeFolder(at),
            70..74 => Self::SwapKind(at),
            74..78 => Self::Mode(at, random.pick(&MODES)),
            78..82 => Self::Link(at, random.pick(&NAMES)),
            82..85 => Self::HardLink(at, path(random)),
            85 => Self::Socket(at),
            86..91 => Self::Rules(at.with_file_name(random.pick(&RULE_FILES)), random.pick(&RULES)),
            91..93 => Self::Burst(at, 10 + random.below(200)),
            93 => Self::MoveRoot(random.millis(0, 300)),
            94 => Self::RemakeRoot,
            95..97 => Self::Fail(random.percent(50)),
            _ => Self::Slow(random.percent(60).then(|| random.millis(50, 900))),
        }
    }

    /// Makes the change below `root`; `number` tells contents apart. What can not be done, because what it concerns is not
    /// there, is an error, and no harm.
    pub fn perform(&self, root: &Path, number: u64) -> io::Result<()> {
        let at = |path: &Path| root.join(path);
        match self {
            Self::Write(path) => {
                fs::create_dir_all(at(path).parent().expect("it is below the root"))?;
                fs::write(at(path), format!("{number}\n"))
            }
            Self::WriteSlowly(path, pause) => {
                let mut file = File::create(at(path))?;
                file.write_all(b"first\n")?;
                std::thread::sleep(*pause);
                writeln!(file, "{number}")
            }
            Self::WriteSameAgain(path) => {
                // A pipe or a device is not read.
                let content = if at(path).is_file() { fs::read(at(path))? } else { return not_a_file() };
                fs::write(at(path), content)
            }
            Self::WriteLarge(path) => {
                let line = format!("{number:0>99}\n");
                fs::write(at(path), line.repeat(30_000))
            }
            Self::Save(path) => {
                let temporary = at(&path.with_file_name(format!(".save-{number}")));
                fs::write(&temporary, format!("{number}\n"))?;
                fs::rename(&temporary, at(path)).or_else(|error| fs::remove_file(&temporary).and(Err(error)))
            }
            Self::Touch(path) => {
                let file = if at(path).is_file() {
                    File::options().append(true).open(at(path))?
                } else {
                    return not_a_file();
                };
                file.set_modified(std::time::SystemTime::now())
            }
            Self::Rename(from, to) => fs::rename(at(from), at(to)),
            Self::Remove(path) => fs::remove_file(at(path)),
            Self::RemoveAll(path) => fs::remove_dir_all(at(path)),
            Self::MakeFolder(path) => fs::create_dir_all(at(path)),
            Self::SwapKind(path) => swap_kind(&at(path), number),
            Self::Mode(path, mode) => set_mode(&at(path), *mode),
            Self::Link(path, to) => symlink(to, at(path)),
            Self::HardLink(from, to) => fs::hard_link(at(from), at(to)),
            Self::Socket(path) => UnixListener::bind(at(path)).map(drop),
            Self::Rules(path, rules) => fs::write(at(path), rules),
            Self::Burst(path, count) => {
                fs::create_dir_all(at(path))?;
                (0..*count).try_for_each(|file| fs::write(at(path).join(format!("n{file}")), format!("{number}\n")))
            }
            Self::MoveRoot(pause) => {
                let away = root.with_extension("away");
                fs::rename(root, &away)?;
                std::thread::sleep(*pause);
                fs::rename(away, root)
            }
            Self::RemakeRoot => {
                fs::remove_dir_all(root)?;
                fs::create_dir(root)?;
                fs::write(root.join("a"), format!("{number}\n"))
            }
            Self::Fail(true) => fs::write(at(Path::new(FAIL)), ""),
            Self::Fail(false) => fs::remove_file(at(Path::new(FAIL))),
            Self::Slow(Some(time)) => fs::write(at(Path::new(SLOW)), format!("{:.2}\n", time.as_secs_f64())),
            Self::Slow(None) => fs::remove_file(at(Path::new(SLOW))),
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// A path, up to three names deep, that may be there or not.
fn path(random: &mut Random) -> PathBuf {
    (0..=random.below(3)).map(|_| random.pick(&NAMES)).collect()
}

fn not_a_file() -> io::Result<()> {
    Err(io::Error::other("not a file"))
}

fn swap_kind(path: &Path, number: u64) -> io::Result<()> {
    if path.is_symlink() || path.is_file() {
        fs::remove_file(path)?;
        fs::create_dir(path)?;
        fs::write(path.join("inside"), format!("{number}\n"))
    } else {
        fs::remove_dir_all(path)?;
        fs::write(path, format!("{number}\n"))
    }
}

/// Setting the mode of a link would set that of its target, which may be outside.
fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    if path.is_symlink() {
        return not_a_file();
    }
    // A folder stays open to its owner.
    let open = if path.is_dir() { 0o700 } else { 0 };
    fs::set_permissions(path, Permissions::from_mode(mode | open))
}

#[cfg(test)]
mod tests {
    use super::{Operation, Random};

    #[test]
    fn nothing_outside_the_source_is_changed() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("source");
        std::fs::create_dir(&root).unwrap();
        let mut random = Random::new(1);
        let mut done = 0;
        for number in 0..3000 {
            done += u64::from(Operation::random(&mut random).perform(&root, number).is_ok());
            let names: Vec<_> = folder.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
            assert_eq!(names, ["source"]);
        }
        assert!(done > 1000, "of 3000 operations, {done} did something");
    }
}
