//! What the poller calls a socket.

/// The socket that an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    Waker,
    Listener(usize),
    /// The client's end of the connection with this number.
    Client(u64),
    /// The app's end of it.
    App(u64),
}

impl Token {
    /// As a number: its kind in the two lowest bits.
    pub fn encode(self) -> u64 {
        match self {
            Token::Waker => 0,
            Token::Listener(index) => (index as u64) << 2 | 1,
            Token::Client(id) => id << 2 | 2,
            Token::App(id) => id << 2 | 3,
        }
    }

    pub fn decode(number: u64) -> Self {
        let rest = number >> 2;
        match number & 3 {
            0 => Token::Waker,
            1 => Token::Listener(usize::try_from(rest).unwrap_or(usize::MAX)),
            2 => Token::Client(rest),
            _ => Token::App(rest),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Token;

    #[test]
    fn a_token_is_read_back() {
        for token in [Token::Waker, Token::Listener(3), Token::Client(1 << 40), Token::App(0)] {
            assert_eq!(Token::decode(token.encode()), token);
        }
    }
}
