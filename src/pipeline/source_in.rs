//! Where the source is during a build: in the container's own layer, from which what is left of it has to be removed before
//! the commit, or in memory, which is in no image. Which of them is better is decided here, from what was measured.

use std::time::Duration;

use crate::contract::labels;
use crate::engine::dialect::full_id;
use crate::engine::image::Image;

/// Where the source of a build is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SourceIn {
    /// In the container's own layer.
    #[default]
    Layer,
    /// In a file system in memory, which is mounted in the container.
    Memory,
}

/// A removal that takes less than this is not worth a change: two commits of the same container differ by as much.
const NOISE: Duration = Duration::from_millis(25);

/// So much longer than in the layer may `assemble` take with the source in memory, from which files are copied where they
/// would be renamed. Two builds differ by less.
const SLOWER: (u32, u32) = (5, 4);

/// How many builds in a row have to be slower, so that one that had to wait for a network does not count.
const SLOW_BUILDS: u32 = 2;

/// What a build in the layer showed.
#[derive(Clone, Copy, Debug)]
pub struct LayerBuild {
    /// `assemble` left the folder where it was, and the image needs nothing of it: it could be a mount point.
    pub in_place: bool,
    /// How long `assemble` took.
    pub assemble: Duration,
    /// How long the removal of what it left took.
    pub removal: Duration,
}

/// What is known of the builds with one builder, and where the source goes because of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceInDecider {
    /// The id of the builder.
    builder: String,
    /// What is better, once there was a build; `None` before.
    better: Option<SourceIn>,
    /// How long `assemble` and the removal took in the layer.
    in_layer: Option<Duration>,
    /// How many builds in a row were slower in memory.
    slow: u32,
    /// `assemble` fails in memory, or is slower: that does not change.
    unsuitable: bool,
    /// It does not fit there, or the engine does not mount it. The builder is not to blame.
    unavailable: bool,
    /// A build failed in memory, and in the layer, too.
    failed_in_both: bool,
}

/// The values of the label that hands over what is known.
const MEMORY: &str = "memory";
const LAYER: &str = "layer";

impl SourceInDecider {
    /// Begins with what the image that has the tag says of the builder of the next build, if that is another one than before.
    pub fn follow(&mut self, builder: &Image, destination: &str, tagged: Option<&Image>) {
        let id = &builder.id;
        let labels = tagged.map(|image| &image.config.labels);
        let is = |name: &str, expected: &dyn Fn(&str) -> bool| {
            labels.and_then(|labels| labels.get(name)).is_some_and(|value| expected(value))
        };
        let same = is(labels::BUILDER, &|value| full_id(value) == *id)
            && is(labels::DESTINATION, &|value| value == destination);
        let label = labels.and_then(|labels| labels.get(labels::SOURCE_IN)).filter(|_| same);
        self.follow_builder(id, label.map(String::as_str));
    }

    /// Takes over what is known of a builder. Of another one than before, that is what the label says.
    fn follow_builder(&mut self, builder: &str, label: Option<&str>) {
        if self.builder == builder {
            return;
        }
        *self = Self { builder: builder.to_owned(), ..Self::default() };
        match label {
            Some(MEMORY) => self.better = Some(SourceIn::Memory),
            Some(LAYER) => self.unsuitable = true,
            _ => {}
        }
    }

    /// Whether no build has shown yet which is better.
    pub fn is_open(&self) -> bool {
        self.better.is_none() && !self.unsuitable && !self.unavailable
    }

    /// Where the source of the next build goes, if that is possible.
    pub fn next(&self) -> SourceIn {
        if self.unsuitable || self.unavailable { SourceIn::Layer } else { self.better.unwrap_or_default() }
    }

    /// A build in the layer went well up to its commit.
    pub fn built_in_layer(&mut self, build: LayerBuild) {
        let pays = build.in_place && build.removal > NOISE;
        self.better = Some(if pays { SourceIn::Memory } else { SourceIn::Layer });
        self.in_layer = Some(build.assemble + build.removal);
        self.slow = 0;
    }

    /// A build in memory went well up to its commit; `assemble` took so long.
    pub fn built_in_memory(&mut self, assemble: Duration) {
        let is_slower = |before: Duration| assemble > before * SLOWER.0 / SLOWER.1 + NOISE;
        self.slow = if self.in_layer.is_some_and(is_slower) { self.slow + 1 } else { 0 };
        self.unsuitable |= self.slow >= SLOW_BUILDS;
    }

    /// Whether a build that failed in memory is made again in the layer before it is called failed. `blames` is whether its output has
    /// the words of an error that a folder in memory can be the cause of. Once one failed in both places, others are taken to
    /// fail because of the source.
    pub fn repeats_failure(&self, blames: bool) -> bool {
        blames || !self.failed_in_both
    }

    /// A build that failed in memory was made again in the layer.
    pub fn repeated(&mut self, worked: bool) {
        self.unsuitable |= worked;
        self.failed_in_both |= !worked;
    }

    /// The source could not be put into memory.
    pub fn not_in_memory(&mut self) {
        self.unavailable = true;
    }

    /// What is known, for a label of the image.
    pub fn label(&self) -> &'static str {
        match self.better {
            _ if self.unsuitable => LAYER,
            Some(SourceIn::Memory) => MEMORY,
            _ => "",
        }
    }
}

/// Whether a line of output has the words of an error that comes of the source being in memory: another file system, a
/// mount point, or too little room.
pub fn blames_memory(line: &[u8]) -> bool {
    const WORDS: [&str; 8] = [
        "Device or resource busy",
        "Resource busy",
        "Invalid cross-device link",
        "Cross-device link",
        "No space left on device",
        "EXDEV",
        "EBUSY",
        "ENOSPC",
    ];
    WORDS.iter().any(|words| memchr::memmem::find(line, words.as_bytes()).is_some())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{LayerBuild, SourceIn, SourceInDecider, blames_memory};

    fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    fn layer(in_place: bool, assemble: u64, removal: u64) -> LayerBuild {
        LayerBuild { in_place, assemble: ms(assemble), removal: ms(removal) }
    }

    fn decider(label: Option<&str>) -> SourceInDecider {
        let mut decider = SourceInDecider::default();
        decider.follow_builder("b", label);
        decider
    }

    #[test]
    fn memory_is_taken_where_the_removal_costs_and_the_folder_stays() {
        for (build, expected) in [
            (layer(true, 10, 200), SourceIn::Memory),
            (layer(true, 10, 20), SourceIn::Layer),
            (layer(false, 10, 200), SourceIn::Layer),
        ] {
            let mut decider = decider(None);
            assert!(decider.is_open() && decider.next() == SourceIn::Layer);
            decider.built_in_layer(build);
            assert_eq!((decider.next(), decider.is_open()), (expected, false), "{build:?}");
        }
    }

    #[test]
    fn what_is_known_goes_to_the_next_run_and_not_to_another_builder() {
        let mut first = decider(None);
        first.built_in_layer(layer(true, 10, 200));
        let mut next = decider(Some(first.label()));
        assert_eq!((next.next(), next.is_open()), (SourceIn::Memory, false));
        next.follow_builder("b", None);
        assert_eq!(next.next(), SourceIn::Memory);
        next.follow_builder("another", None);
        assert!(next.is_open());
        assert_eq!(next.label(), "");
    }

    #[test]
    fn a_builder_that_fails_in_memory_never_gets_it_again() {
        let mut decider = decider(Some("memory"));
        assert!(decider.repeats_failure(false));
        decider.repeated(true);
        decider.built_in_layer(layer(true, 10, 200));
        assert_eq!((decider.next(), decider.label()), (SourceIn::Layer, "layer"));
        assert_eq!(self::decider(Some("layer")).next(), SourceIn::Layer);
    }

    #[test]
    fn a_fault_of_the_source_does_not_make_each_failure_take_twice_as_long() {
        let mut decider = decider(Some("memory"));
        decider.repeated(false);
        assert_eq!(decider.next(), SourceIn::Memory);
        assert!(!decider.repeats_failure(false));
        assert!(decider.repeats_failure(true));
    }

    #[test]
    fn a_builder_that_moves_what_it_gets_is_faster_in_the_layer() {
        let mut decider = decider(None);
        decider.built_in_layer(layer(true, 1000, 100));
        decider.built_in_memory(ms(2000));
        decider.built_in_memory(ms(1200));
        decider.built_in_memory(ms(2000));
        assert_eq!(decider.next(), SourceIn::Memory);
        decider.built_in_memory(ms(2000));
        assert_eq!((decider.next(), decider.label()), (SourceIn::Layer, "layer"));
    }

    #[test]
    fn a_source_that_does_not_fit_says_nothing_of_the_builder() {
        let mut decider = decider(Some("memory"));
        decider.not_in_memory();
        assert_eq!((decider.next(), decider.label()), (SourceIn::Layer, "memory"));
    }

    #[test]
    fn errors_of_mount_points_are_known() {
        assert!(blames_memory(b"rm: cannot remove '/tmp/src': Device or resource busy"));
        assert!(blames_memory(b"ln: failed to create hard link: Invalid cross-device link"));
        assert!(blames_memory(b"Error: EXDEV: cross-device link not permitted"));
        assert!(!blames_memory(b"SyntaxError: invalid syntax"));
    }
}
