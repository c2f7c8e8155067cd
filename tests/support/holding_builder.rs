//! A builder for watches, whose builds a test can hold up and make fail.

use std::sync::Arc;

use super::builder::{Builder, shared_builder};

/// A builder for watches: its `assemble` copies the source to `/app`; where the source has a file `hold`, it says
/// `holding` and waits for `/tmp/go`; where it has a file `fail`, it fails.
pub fn holding_builder() -> Builder {
    let script = "#!/bin/sh\nset -e\ncd /tmp/src\nif [ -e hold ]; then echo holding\n\
                  while [ ! -e /tmp/go ]; do sleep 0.1; done; fi\n[ ! -e fail ] || exit 9\ncp -a . /app/\n";
    Builder::new().script("assemble", script)
}

/// The [`holding_builder`] that all tests share that do not count its containers.
pub fn shared_holding_builder() -> Arc<Builder> {
    shared_builder("holding", || holding_builder().make())
}
