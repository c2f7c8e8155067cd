//! Text for the shell in a container.

/// Quotes bytes so that a POSIX shell takes them as one literal word.
pub fn quote(bytes: &[u8]) -> Vec<u8> {
    let mut quoted = vec![b'\''];
    for byte in bytes {
        if *byte == b'\'' { quoted.extend_from_slice(br"'\''") } else { quoted.push(*byte) }
    }
    quoted.push(b'\'');
    quoted
}

/// A shell program without its comments that take a whole line.
pub fn without_comments(program: &str) -> String {
    program.lines().filter(|line| !line.trim_start().starts_with('#')).collect::<Vec<_>>().join("\n")
}
