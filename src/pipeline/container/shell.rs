//! Quoting for the shell in a container.

/// Quotes bytes so that a POSIX shell takes them as one literal word.
pub fn quote(bytes: &[u8]) -> Vec<u8> {
    let mut quoted = vec![b'\''];
    for byte in bytes {
        if *byte == b'\'' { quoted.extend_from_slice(br"'\''") } else { quoted.push(*byte) }
    }
    quoted.push(b'\'');
    quoted
}
