//! The volumes of caches that a container has.

use crate::settings::cache::CacheFolder;

/// Where the volume of the tools is mounted: in a file system that no image has.
pub const TARGET: &str = "/dev/minis2i-cache";

/// The file in each volume whose time is that of its last use.
pub const USED: &str = ".minis2i-used";

/// The volumes of one container, by name.
#[derive(Clone, Debug, Default)]
pub struct Mounted {
    /// That of the tools.
    pub auto: Option<String>,
    /// Those of folders that the user named; `None` where there is none.
    pub folders: Vec<(CacheFolder, Option<String>)>,
}

impl Mounted {
    pub fn is_empty(&self) -> bool {
        self.volumes().next().is_none()
    }

    /// Whether there is one for the tools.
    pub fn has_auto(&self) -> bool {
        self.auto.is_some()
    }

    /// The folders that have a volume, with their numbers.
    pub fn folders(&self) -> impl Iterator<Item = (usize, &CacheFolder)> {
        self.folders.iter().enumerate().filter(|(_, (_, volume))| volume.is_some()).map(|(number, it)| (number, &it.0))
    }

    /// Where the volumes are in the container.
    pub fn targets(&self) -> impl Iterator<Item = String> {
        self.volumes().map(|(_, target)| target)
    }

    /// The options of `docker run` and `docker create`.
    pub fn options(&self) -> Vec<String> {
        self.volumes().map(|(name, target)| format!("--volume={name}:{target}")).collect()
    }

    /// The names of the volumes, and where each is in the container.
    fn volumes(&self) -> impl Iterator<Item = (&str, String)> {
        let auto = self.auto.as_deref().map(|name| (name, TARGET.to_owned()));
        let folders = self.folders.iter().enumerate();
        let folders = folders.filter_map(|(number, (_, name))| Some((name.as_deref()?, folder_target(number))));
        auto.into_iter().chain(folders)
    }
}

/// Where the volume of the folder with this number is.
pub fn folder_target(number: usize) -> String {
    format!("{TARGET}-{number}")
}
