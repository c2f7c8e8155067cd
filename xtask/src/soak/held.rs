//! Whether a watch holds more than it did.

use crate::process_stats::ResourceUsage;

/// How much resident memory goes up and down without anything being kept, in KiB.
const MEMORY_NOISE: u64 = 4096;

/// What a watch holds more of now.
pub fn growth(first: &ResourceUsage, now: &ResourceUsage) -> Option<String> {
    let counts = [
        ("threads", first.threads, now.threads, 0),
        ("open files", first.files, now.files, 0),
        ("KiB of memory", first.memory, now.memory, MEMORY_NOISE),
    ];
    let grown = counts.iter().filter(|(_, first, now, noise)| *now > *first + noise);
    let grown: Vec<_> = grown.map(|(what, first, now, _)| format!("{first} {what} to {now}")).collect();
    (!grown.is_empty()).then(|| format!("from its first minute on it grew from {}", grown.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::{MEMORY_NOISE, ResourceUsage, growth};

    #[test]
    fn noise_is_no_growth_and_a_file_is() {
        let first = ResourceUsage { threads: 10, files: 20, memory: 9000 };
        assert_eq!(growth(&first, &ResourceUsage { memory: 9000 + MEMORY_NOISE, ..first }), None);
        let text = growth(&first, &ResourceUsage { files: 21, threads: 9, ..first }).unwrap();
        assert!(text.ends_with("20 open files to 21"), "{text}");
    }
}
