//! The HTTP client: its time limits and certificates. What is sent and fetched is up to the callers.

use std::time::Duration;

use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig};

/// An HTTP agent that waits at most `connect` for a connection, and at most `total` for a whole request.
pub fn agent(connect: Duration, total: Duration) -> Agent {
    // The certificates that this machine trusts are used, as other tools do: companies have their own authorities.
    let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
    Agent::config_builder()
        .tls_config(tls)
        .timeout_connect(Some(connect))
        .timeout_global(Some(total))
        .user_agent(concat!("minis2i/", env!("CARGO_PKG_VERSION")))
        .build()
        .new_agent()
}
